"""Read what the lines above a file's header say of its ticker."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from src.data.sources.files.identity.file_names import NamedTicker, name_of
from src.data.sources.files.identity.tickers import is_bare, suffix_of_exchange, ticker_of_cell

_PLACE = "its title"
_WORD = r"[A-Z0-9][A-Z0-9&-]{0,19}"
_SPELLED = re.compile(
    rf"(?<![\w.])(?:NSE|BSE|BOM): ?{_WORD}\b|(?<![\w.]){_WORD}\.(?:NS|BO|NSE|BSE)\b"
)
_LABELLED = re.compile(
    rf"\b(?:symbol|ticker|scrip) *[:=-]? *(?P<symbol>{_WORD}(?:\.[A-Z]+)?)\b", re.I
)
_EXCHANGE = re.compile(r"\bexchange *[:=-]? *(?P<exchange>\w+)", re.IGNORECASE)


def names_in_titles(titles: Sequence[str]) -> list[NamedTicker]:
    """The tickers in lines such as ``Symbol: TCS`` or ``TCS.NS daily``; of a line alone its symbol.

    A symbol without an exchange counts only where it is stored or listed: it may be a name.
    """
    return [name for title in titles for name in _names(title)]


def suffix_in_titles(titles: Sequence[str]) -> str | None:
    """The suffix of the exchange that a line such as ``Exchange: BSE`` names."""
    matches = (_EXCHANGE.search(title) for title in titles)
    words = (match["exchange"] for match in matches if match)
    return next((suffix for word in words if (suffix := suffix_of_exchange(word))), None)


def _names(title: str) -> list[NamedTicker]:
    texts = [match[0] for match in _SPELLED.finditer(title)]
    labelled = _LABELLED.search(title)
    if labelled and labelled["symbol"].isupper():
        texts.append(labelled["symbol"])
    if texts:
        return [name for text in texts if (name := _of_text(text))]
    name = name_of(title, _PLACE)
    return [] if name is None or name.suffix else [replace(name, is_upper=False)]


def _of_text(text: str) -> NamedTicker | None:
    ticker = ticker_of_cell(text, "")
    if ticker is None:
        return None
    symbol, dot, suffix = ticker.partition(".")
    return NamedTicker(symbol, None if is_bare(text) else dot + suffix, _PLACE)
