"""Ticker rules: what a person or a file writes comes in, Yahoo's form of it goes out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from src.core.errors import BadInput
from src.core.tickers import normalise_ticker

if TYPE_CHECKING:
    from collections.abc import Sequence

_STEM = re.compile(r"(?=.*[A-Z])[A-Z0-9][A-Z0-9&-]{0,19}(\.[A-Z]{1,3})?")
_ENDINGS = re.compile(r"(\.(csv|txt|xlsx|gz))+$", re.IGNORECASE)
# Upper-case words that name what a file is, not whose prices it holds.
_NO_SYMBOLS = frozenset(
    {
        *("BHAVCOPY", "BSE", "DAILY", "DATA", "DOWNLOAD", "EQUITY", "EXPORT", "HISTORICAL"),
        *("HISTORY", "HOURLY", "NSE", "OHLC", "OHLCV", "PRICE", "PRICES", "QUOTE", "QUOTES"),
        *("STOCK", "STOCKS", "TABLE", "UPSTOX", "YAHOO", "YFINANCE"),
    }
)


def ticker_of_stem(file_name: str, suffix: str) -> str | None:
    """The ticker that a file name begins with, or None when it begins with no plausible symbol."""
    stem = _ENDINGS.sub("", file_name).removeprefix("NSE_")
    if ".NS" in stem:
        stem = stem[: stem.index(".NS") + len(".NS")]
    stem = stem.split("_", 1)[0]
    if not _STEM.fullmatch(stem) or stem in _NO_SYMBOLS:
        return None
    return normalise_ticker(stem, suffix)


def suffix_beside(asked: str | None, suffix: str) -> str:
    """The suffix for bare symbols inside a file: that of the ticker asked for, if it has one.

    A bare ``TCS`` in a file says nothing about the exchange, so it does not contradict TCS.BO.
    """
    if asked is None:
        return suffix
    return asked[asked.index(".") :] if "." in asked else ""


def choose(
    asked: str | None, inside: Sequence[str], named: str | None, *, picked: bool
) -> list[str]:
    """The tickers to take from a file: none when it is another ticker's file in a folder.

    ``inside`` are the tickers that the file itself states, ``named`` the one in its name, and
    ``picked`` says that the file was given by its own path rather than found in a folder.
    """
    if asked is None:
        return _unasked(inside, named)
    if inside:
        if asked not in inside and picked:
            raise BadInput(
                f"it holds {_some(inside)}, not {asked}: give the file of {asked} "
                f"or ask for --ticker {inside[0]}."
            )
        return [asked] if asked in inside else []
    if not picked and named not in (None, asked):
        return []
    return [asked]


def _unasked(inside: Sequence[str], named: str | None) -> list[str]:
    if inside:
        return list(inside)
    if named is None:
        raise BadInput("neither its columns nor its name say whose prices it holds: add --ticker.")
    return [named]


def _some(tickers: Sequence[str]) -> str:
    shown = ", ".join(tickers[:3])
    return shown if len(tickers) <= 3 else f"{shown} and {len(tickers) - 3} more"
