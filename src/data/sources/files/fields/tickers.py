"""Decide which tickers to take from a file: by its symbols, its name and the one requested."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from src.core.errors import BadInput
from src.core.tickers import normalise_ticker

if TYPE_CHECKING:
    from collections.abc import Sequence

_STEM = re.compile(r"(?=.*[A-Z])[A-Z0-9][A-Z0-9&-]{0,19}(\.[A-Z]{1,3})?")
_ENDINGS = re.compile(r"(\.(csv|txt|xlsx|gz))+$", re.IGNORECASE)
# Upper-case words of file names that are not symbols.
_NOT_SYMBOLS = frozenset(
    {
        *("BHAVCOPY", "BSE", "DAILY", "DATA", "DOWNLOAD", "EQUITY", "EXPORT", "HISTORICAL"),
        *("HISTORY", "HOURLY", "NSE", "OHLC", "OHLCV", "PRICE", "PRICES", "QUOTE", "QUOTES"),
        *("STOCK", "STOCKS", "TABLE", "UPSTOX", "YAHOO", "YFINANCE"),
    }
)


def ticker_in_name(file_name: str, suffix: str) -> str | None:
    """The ticker that a file name begins with, or None when it begins with no plausible symbol."""
    stem = _ENDINGS.sub("", file_name).removeprefix("NSE_")
    if ".NS" in stem:
        stem = stem[: stem.index(".NS") + len(".NS")]
    stem = stem.split("_", 1)[0]
    if not _STEM.fullmatch(stem) or stem in _NOT_SYMBOLS:
        return None
    return normalise_ticker(stem, suffix)


def suffix_in_file(requested: str | None, suffix: str) -> str:
    """The suffix for bare symbols inside a file: that of the ticker requested, if there is one.

    A bare ``TCS`` in a file names no exchange, so it does not contradict TCS.BO.
    """
    if requested is None:
        return suffix
    return requested[requested.index(".") :] if "." in requested else ""


def select_tickers(
    requested: str | None, stated: Sequence[str], in_name: str | None, *, explicit: bool
) -> list[str]:
    """The tickers to take from a file: none when it is another ticker's file in a folder.

    ``requested`` is the ticker of ``--ticker``, ``stated`` are those in the file's columns and
    ``in_name`` is the one in its name; an ``explicit`` file was given by its own path rather than
    found in a folder.

    Raises:
        BadInput: when an explicit file has another ticker, or none is known.
    """
    if requested is None:
        tickers = list(stated) or ([] if in_name is None else [in_name])
        if not tickers:
            raise BadInput("neither its columns nor its name state a ticker: add --ticker.")
        return tickers
    if stated and requested not in stated and explicit:
        raise BadInput(
            f"it has prices of {_listed(stated)}, not of {requested}: give the file of "
            f"{requested}, or use --ticker {stated[0]}."
        )
    if stated:
        return [requested] if requested in stated else []
    return [requested] if explicit or in_name in (None, requested) else []


def _listed(tickers: Sequence[str]) -> str:
    shown = ", ".join(tickers[:3])
    return shown if len(tickers) <= 3 else f"{shown} and {len(tickers) - 3} more"
