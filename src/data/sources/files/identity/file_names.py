"""Read the ticker that the name of a file or of a sheet states, by known patterns only."""

from __future__ import annotations

import re
from dataclasses import dataclass

from src.core.errors import BadInput
from src.data.sources.files.fields.segments import is_no_share

_ENDINGS = re.compile(
    r"(\.(csv|tsv|txt|xlsx|xlsm|xlsb|xls|ods|gz|zip|parquet|feather|arrow|json))+$", re.IGNORECASE
)
_COPY = re.compile(r"( ?\(\d+\)| - copy)+$", re.IGNORECASE)
_SYMBOL = r"(?=[A-Z0-9&-]*[A-Z])[A-Z0-9][A-Z0-9&-]{0,19}"
_EXCHANGES = {"NS": ".NS", "NSE": ".NS", "BO": ".BO", "BSE": ".BO", "BOM": ".BO"}
# TradingView: ``NSE_DLY_TCS, 1D``; it writes & and - as _.
_TRADING_VIEW = re.compile(
    r"(?P<exchange>NSE|BSE)_(?:DLY_)?(?P<symbol>[A-Z0-9][A-Z0-9&_!-]*), (?P<interval>\w+?)(_\w+)?"
)
# NSE's website, today and before: ``Quote-Equity-TCS-EQ-01-01-2024-to-31-12-2024``.
_NSE_PAGES = (
    re.compile(rf"Quote-Equity-(?P<symbol>{_SYMBOL}?)(-[A-Z0-9]{{1,3}})?(-\d\d-\d\d-\d{{4}}.*)?"),
    re.compile(rf"\d\d-\d\d-\d{{4}}-TO-\d\d-\d\d-\d{{4}}(?P<symbol>{_SYMBOL}?)(EQ|ALL)N"),
)
_PREFIXED = re.compile(
    rf"(?P<exchange>NSE|BSE|BOM)[_: -](?:(?:EQ|DLY|EOD)[_ -])?(?P<symbol>{_SYMBOL})"
    r"(?P<rest>$|[ _,.].*)"
)
_SUFFIXED = re.compile(
    r"(?P<symbol>(?=[A-Z0-9&-]*[A-Z])[A-Z0-9][A-Z0-9&-]{0,19}?)(?P<mark>[._ -])"
    r"(?P<exchange>NSE?|BSE|BO)(?P<rest>$|[^A-Za-z0-9].*)",
    re.IGNORECASE,
)
# As Yahoo writes the ticker of any exchange.
_YAHOO = re.compile(
    r"(?P<symbol>\^?[A-Z0-9][A-Z0-9&-]{0,19})(?P<suffix>\.[A-Z]{1,3})(?P<rest>$|[_ ,-].*)"
)
_SUFFIX_INSIDE = re.compile(r"[A-Z0-9][._](NS|BO|NSE|BSE)\b")
_BARE = re.compile(rf"(?P<symbol>{_SYMBOL}|\^[A-Z0-9]+)(?P<rest>$|[_ ,.-].*)", re.IGNORECASE)
# Words beside a symbol that say nothing of the share, and are no symbol themselves.
_PLAIN_WORDS = frozenset(
    {
        *("adjusted", "all", "angel", "bars", "bhavcopy", "bse", "candle", "candles", "clean"),
        *("copy", "daily", "data", "day", "dly", "download", "eod", "eq", "equity", "export"),
        *("feed", "file", "final", "from", "full", "historical", "history", "hour", "hourly"),
        *("intraday", "investing", "kite", "max", "new", "nse", "ohlc", "ohlcv", "old", "part"),
        *("price", "prices", "quote", "quotes", "raw", "sheet", "split", "stock", "stocks"),
        *("table", "till", "to", "total", "unadjusted", "upstox", "yahoo", "yfinance", "zerodha"),
        *("limited", "ltd", "share", "shares", "series", "bhav", "cm", "udiff", "website", "of"),
        *("nifty", "sensex", "banknifty", "index", "portfolio", "watchlist", "holdings"),
    }
)
_NUMBERS = re.compile(r"v?\d+[a-z]{0,3}|\d{1,2}[a-z]{3}\d{2,4}|[dhmwy]", re.IGNORECASE)
_DATE_INSIDE = re.compile(r"\d{5}|\d{4}-\d\d|\d\d[A-Za-z]{3}\d\d")
_YEAR = re.compile(r"(?<!\d)(19|20)\d\d(?!\d)")
_SERIES = ("EQ", "BE", "BZ", "SM", "ST")
_FUTURES = re.compile(
    r"[A-Z0-9&-]+[ _-](?P<word>FUT|FUTURES|FUTSTK|FUTIDX)(?![A-Z])", re.IGNORECASE
)
# ``NIFTY 50``, ``nifty_bank``, ``CNXIT``; NIFTY1 and NIFTYBEES are funds with a share's symbol.
_INDEX = re.compile(
    r"(?P<index>(NIFTY|SENSEX|BANK[ _-]?NIFTY|FINNIFTY|CNX)([ _-]?(\d{2,3}(?![\d-])|BANK|IT|NEXT"
    r"|AUTO|PHARMA|FMCG|METAL|MIDCAP|SMALLCAP|REALTY|ENERGY|MEDIA|PSU|FINANCIAL|SERVICES))*)"
    r"(?P<rest>$|[ _,.-].*)",
    re.IGNORECASE,
)
_DAILY, _HOURLY = ("1D", "D"), ("60", "1H")


@dataclass(frozen=True)
class NamedTicker:
    """A symbol in a name, with the ``suffix`` of its exchange where the name tells that.

    ``is_upper`` says whether the symbol is written as symbols are; ``kind`` is that of the bars,
    where the name tells it; ``place`` is what has the name, for messages. Of an index the symbol
    is its name.
    """

    symbol: str
    suffix: str | None
    place: str
    is_upper: bool = True
    kind: str | None = None
    is_index: bool = False

    @property
    def ticker(self) -> str:
        """In Yahoo's form, without a suffix where the name does not tell it."""
        return self.symbol + (self.suffix or "")

    def is_of(self, ticker: str) -> bool:
        """Whether it names this ticker; a bare symbol may be of any exchange."""
        symbol, dot, suffix = ticker.partition(".")
        same_symbol = re.sub("[&-]", "_", symbol) == re.sub("[&-]", "_", self.symbol)
        return same_symbol and self.suffix in (None, dot + suffix)


def name_of(text: str, place: str) -> NamedTicker | None:
    """The ticker in a name, None where it has none by a known pattern.

    Raises:
        BadInput: for a name that says that the bars are neither daily nor hourly, or of a future.
    """
    stem = _COPY.sub("", _ENDINGS.sub("", _decoded(text.strip())))
    stem = _COPY.sub("", _ENDINGS.sub("", stem))
    if match := _FUTURES.match(stem):
        raise BadInput(f"{place} says {match['word']}: give the file of the share.")
    if index := _index(stem, place):
        return index
    match = _TRADING_VIEW.fullmatch(stem)
    if match:
        if "!" in match["symbol"]:
            raise BadInput(f"{place} says {match['symbol']}, a future: give the file of the share.")
        kind = _kind(match["interval"], place)
        return _named(match["symbol"], _EXCHANGES[match["exchange"]], place, kind)
    for pattern in _NSE_PAGES:
        if match := pattern.fullmatch(stem):
            return _named(match["symbol"], ".NS", place)
    if (match := _PREFIXED.fullmatch(stem)) and _is_plain(match["rest"]):
        return _named(match["symbol"], _EXCHANGES[match["exchange"]], place)
    return _with_suffix(stem, place) or _bare(stem, place)


def _decoded(text: str) -> str:
    """A name as it was before a browser put it into an address: ``M%26M``, ``%5ENSEI``."""
    return re.sub("%(26|5E)", lambda match: chr(int(match[1], 16)), text, flags=re.IGNORECASE)


def is_a_period(text: str) -> bool:
    """Whether a name says nothing but a time, such as 2024."""
    return _YEAR.search(text) is not None and _is_plain(text)


def _with_suffix(stem: str, place: str) -> NamedTicker | None:
    match = _SUFFIXED.fullmatch(stem)
    if match and _is_suffix(match):
        suffix = _EXCHANGES[match["exchange"].upper()]
    elif match := _YAHOO.fullmatch(stem):
        suffix = match["suffix"]
    else:
        return None
    has_another = _SUFFIX_INSIDE.search(match["rest"])
    return None if has_another else _named(match["symbol"], suffix, place)


def _is_suffix(match: re.Match[str]) -> bool:
    """Whether an exchange stands behind a symbol as its suffix: ``TCS.NS``, or ``TCS_NSE``."""
    if match["mark"] == ".":
        return True
    return match["exchange"].isupper() and _is_plain(match["rest"])


def _bare(stem: str, place: str) -> NamedTicker | None:
    match = _BARE.fullmatch(stem)
    if match is None or not _is_plain(match["rest"]):
        return None
    return _named(match["symbol"], None, place)


def _named(
    symbol: str, suffix: str | None, place: str, kind: str | None = None
) -> NamedTicker | None:
    if index := _index(symbol, place):
        return index
    is_upper = symbol.isupper()
    _refuse_no_share(symbol if suffix in (None, ".NS", ".BO") else symbol + suffix, place)
    symbol = _without_plain_words(symbol.upper())
    if symbol.isdigit() or symbol.lower() in _PLAIN_WORDS or _DATE_INSIDE.search(symbol):
        return None
    if not is_upper and symbol.count("-") > 1:  # words
        return None
    return NamedTicker(symbol, suffix, place, is_upper and len(symbol) > 1, kind)


def _index(text: str, place: str) -> NamedTicker | None:
    match = _INDEX.fullmatch(text)
    if match is None or not _is_plain(match["rest"]):
        return None
    return NamedTicker(match["index"], None, place, is_upper=False, is_index=True)


def _refuse_no_share(symbol: str, place: str) -> None:
    """Refuse a symbol of a future, an option or an index; ``part-I`` is none."""
    is_word = not symbol.isupper() or symbol.partition("-")[0].lower() in _PLAIN_WORDS
    if is_no_share(symbol) and not (is_word and "-" in symbol):
        raise BadInput(f"{place} says {symbol}, which is no share: give the file of the share.")


def _without_plain_words(symbol: str) -> str:
    """A symbol without what else stands behind a hyphen: ``TCS-EQ``, ``TCS-1D``."""
    body, mark, word = symbol.rpartition("-")
    is_beside = word in _SERIES or _is_plain(word)
    return _without_plain_words(body) if mark and is_beside else symbol


def _is_plain(rest: str) -> bool:
    """Whether nothing behind a symbol can be part of a name: dates, numbers and plain words."""
    words = [word for word in re.split(r"[^A-Za-z0-9]+", rest) if word]
    return all(word.lower() in _PLAIN_WORDS or _NUMBERS.fullmatch(word) for word in words)


def _kind(interval: str, place: str) -> str:
    if interval.upper() in _DAILY:
        return "daily"
    if interval.upper() in _HOURLY:
        return "hourly"
    raise BadInput(f"{place} says bars of {interval}: give daily (1D) or hourly (60) ones.")
