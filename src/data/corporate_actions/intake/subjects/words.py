"""Read the words of a subject, as NSE and BSE spell, shorten and misspell them."""

from __future__ import annotations

import difflib
from functools import cache

# What a clause of a subject is about, by the words that begin it.
HEADS: dict[str, tuple[str, ...]] = {
    "dividend": ("dividend", "dividends", "div", "dvd", "dvnd", "dv", "dividnd"),
    "distribution": ("distribution", "distributions", "distribn", "payout"),
    "bonus": ("bonus", "bon", "bns", "bouns"),
    "split": ("split", "splt", "spt", "splits", "subdivision", "fvs", "subdiv", "fvspl"),
    "consolidation": ("consolidation", "consol", "consolidn"),
    "rights": ("rights", "right", "rghts", "rhts", "rght", "rht"),
    "demerger": ("demerger", "demergers", "demerge", "demerged", "hiving"),
    "scheme": ("scheme", "arrangement", "agmt", "argmt", "arngmnt", "reconstruction"),
    "amalgamation": ("amalgamation", "amalgamated", "amlgmtn", "merger", "merged"),
    "spin-off": ("spin", "spinoff", "spun"),
    "reduction": ("reduction", "redn", "redctn"),
    "buyback": ("buyback", "buy"),
    "interest": ("interest", "intt"),
    "redemption": ("redemption", "redemptn", "rdemptn", "maturity"),
    "call": ("call", "calls", "fstfincl"),
    "conversion": ("conversion",),
    "meeting": (
        *("meeting", "meetings", "agm", "egm", "eogm", "annual", "ann", "extraordinary"),
        *("extra", "general", "gen", "postal", "ballot", "voting", "election", "adjourned"),
        *("closure", "closing", "clsr", "registrar", "delisting", "name"),
    ),
}
# Words that say which dividend it is. "int" is also short for interest, "spl" for a split.
MODIFIERS: dict[str, tuple[str, ...]] = {
    "interim": ("interim", "intrm", "interm", "intrim", "int"),
    "final": ("final", "fin", "fnl"),
    "special": ("special", "spl", "sp", "spcl", "jubilee", "jub"),
}
# A bonus or a right of these is no share of the same kind.
OTHER_SECURITIES = (
    *("preference", "pref", "prefs", "ncrps", "ncrp", "ncps", "rps", "crps", "ccps", "ccp", "cps"),
    *("ocps", "debenture", "debentures", "deb", "debs", "ncd", "ncds", "fcd", "fcds", "pcd"),
    *(
        "pcds",
        "ccd",
        "ccds",
        "ocd",
        "ocds",
        "warrant",
        "warrants",
        "wrnt",
        "wrnts",
        "bond",
        "bonds",
    ),
    "dvr",
)
CURRENCY = ("rs", "re", "inr", "rupee", "rupees", "res")
TO = ("to", "into")
SEPARATORS = ("and", "plus")
CONSISTING = (
    *("consisting", "consists", "consist", "comprising", "comprises", "comprise", "comprised"),
    "constituting",
)
# What a trust pays out beside dividends.
COMPONENTS = (
    *("capital", "captial", "principal", "principle", "repayment", "payment", "amortization"),
    *("amortisation", "debt", "debts", "loan", "loans", "treasury", "income", "spv", "spvs"),
    *("deposit", "deposits", "fixed", "fd", "fds", "tax", "refund", "taxable", "exempt", "return"),
    *("returns", "ncds", "level", "shareholder", "shareholders", "proceeds", "surplus"),
)
# Words that change nothing in a clause.
FILLERS = (
    *(
        "per",
        "pr",
        "p",
        "pe",
        "er",
        "r",
        "share",
        "shares",
        "sh",
        "shr",
        "shrs",
        "each",
        "of",
        "the",
        "a",
        "an",
    ),
    *(
        "equity",
        "eq",
        "eqty",
        "unit",
        "units",
        "ut",
        "uint",
        "in",
        "form",
        "as",
        "on",
        "at",
        "for",
        "every",
    ),
    *(
        "held",
        "ratio",
        "proportion",
        "issue",
        "issued",
        "new",
        "fully",
        "partly",
        "paid",
        "up",
        "face",
        "value",
    ),
    *("fv", "stock", "stk", "sub", "division", "from", "frm", "fm", "with", "by", "way", "off"),
    *("back", "bk", "book", "money", "first", "second", "third", "fourth", "fifth", "sixth"),
    *("seventh", "st", "nd", "rd", "th", "d", "i", "ii", "iii", "iv", "v", "revised", "rev"),
    *("purpose", "date", "dates", "dt", "bc", "record", "start", "end", "ex", "premium", "prem"),
    *("prm", "price", "par", "discount", "warrants", "directors", "director", "members"),
    *("change", "transfer", "agent", "court", "convened", "composite", "pursuant", "nclt", "order"),
    *("nature", "sch", "cap", "amount", "total", "other", "additional", "tender", "offer", "e"),
    *("part", "partial", "silver", "golden", "gold", "diamond", "platinum", "including"),
    *("incl", "company", "limited", "ltd", "holders", "holder", "convertible", "redeemable", "non"),
    *(
        "compulsorily",
        "optionally",
        "cumulative",
        "security",
        "securities",
        "creditors",
        "existing",
    ),
    *(
        "to",
        "into",
        "hundredth",
        "quarter",
        "year",
        "interims",
        "one",
        "time",
        "cum",
        "entitlement",
    ),
    *(
        "open",
        "ordinary",
        "basis",
        "s",
        "notice",
        "intimation",
        "board",
        "under",
        "voluntary",
        "shareholding",
    ),
)
# Too like a word of another meaning to be taken for its misspelling.
_UNLIKE = frozenset({"cancelled", "withdrawn", "deferred", "proposed", "consolidated", "plan"})
_SHORTEST_MISSPELT = 4
_LIKENESS = 0.75


def _vocabulary() -> dict[str, tuple[str, str]]:
    words: dict[str, tuple[str, str]] = {}
    for kind, group in (("word", FILLERS), ("component", COMPONENTS)):
        words |= {word: (kind, word) for word in group}
    for kind, named in (("head", HEADS), ("modifier", MODIFIERS)):
        words |= {word: (kind, name) for name, group in named.items() for word in group}
    words |= {word: ("security", word) for word in OTHER_SECURITIES}
    words |= {word: ("consisting", word) for word in CONSISTING}
    words |= dict.fromkeys(TO, ("to", "to"))
    words |= {word: ("separator", word) for word in SEPARATORS}
    words |= {word: ("currency", word) for word in CURRENCY}
    return words


_VOCABULARY = _vocabulary()
# Words that may be part of a run-together word; single letters would fit anything.
_PIECES = sorted((word for word in _VOCABULARY if len(word) > 1), key=len, reverse=True)
_LONG_WORDS = [word for word in _VOCABULARY if len(word) >= _SHORTEST_MISSPELT]


@cache
def read_word(text: str) -> tuple[tuple[str, str], ...]:
    """The kinds and meanings of a word in lower case; of several where it is run together.

    A kind is head, modifier, security, component, consisting, to, currency, separator, word (which
    means nothing by itself) or unknown.
    """
    if text in _VOCABULARY:
        return (_VOCABULARY[text],)
    pieces = _pieces(text)
    if pieces is not None:
        return tuple(_VOCABULARY[piece] for piece in pieces)
    likely = _likely_word(text)
    return (("unknown", text) if likely is None else _VOCABULARY[likely],)


@cache
def _pieces(text: str) -> tuple[str, ...] | None:
    """The fewest words of which the text is made, as ``fvspltfrm`` is of three; None without."""
    if not text:
        return ()
    best: tuple[str, ...] | None = None
    for word in _PIECES:
        if not text.startswith(word):
            continue
        rest = _pieces(text[len(word) :])
        if rest is not None and (best is None or len(rest) + 1 < len(best)):
            best = (word, *rest)
    return best


def _likely_word(text: str) -> str | None:
    """The only word that the text can be a misspelling of."""
    if len(text) < _SHORTEST_MISSPELT or text in _UNLIKE:
        return None
    likely = difflib.get_close_matches(text, _LONG_WORDS, n=3, cutoff=_LIKENESS)
    meanings = {_VOCABULARY[word] for word in likely}
    return likely[0] if likely and (len(meanings) == 1 or _is_clear(text, likely)) else None


def _is_clear(text: str, likely: list[str]) -> bool:
    """Whether the likeliest word is clearly likelier than the next of another meaning."""
    ratios = [difflib.SequenceMatcher(None, text, word).ratio() for word in likely]
    others = [
        ratio
        for ratio, word in zip(ratios, likely, strict=True)
        if _VOCABULARY[word] != _VOCABULARY[likely[0]]
    ]
    return ratios[0] - max(others) > 0.05
