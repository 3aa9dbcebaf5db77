"""Tell shares from futures, options, indices and debt by the words of exchanges' files."""

from __future__ import annotations

import re
from functools import lru_cache

_SHARES = ("STK", "EQ", "EQUITY", "EQUITIES", "STOCK", "SHARE", "CASH")
# By the names of their kinds, in the words of UDiFF, of older files and of brokers.
_OTHERS: dict[str, tuple[str, ...]] = {
    "futures of shares": ("STF", "FUTSTK"),
    "options of shares": ("STO", "OPTSTK"),
    "futures of an index": ("IDF", "FUTIDX", "FUTIVX"),
    "options of an index": ("IDO", "OPTIDX"),
    "futures": ("FUT", "FUTURE", "FUTURES"),
    "options": ("OPT", "CE", "PE", "OPTION", "OPTIONS"),
    "futures of a currency": ("CDF", "FUTCUR"),
    "options of a currency": ("CDO", "OPTCUR"),
    "futures of interest rates": ("IRF", "FUTIRC", "FUTIRT"),
    "an index": ("IDX", "INDEX"),
    "debt": ("BND", "BOND", "DBT", "DEBT", "GS"),
}
_NAMES = {word: name for name, words in _OTHERS.items() for word in words}
_CASH_SEGMENTS = ("CM", "CASH", "EQ", "EQUITY", "NSE", "BSE", "NSE_EQ", "BSE_EQ")
_SEGMENTS = {
    "FO": "futures and options",
    "CD": "currencies",
    "CO": "commodities",
    "NFO": "futures and options",
    "DEBT": "debt",
}

_MONTH = "(JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)"
# Symbols of brokers and feeds: ``TCS24JANFUT``, ``TCS30JAN253500CE``, ``NIFTY2411821500PE``,
# ``TCS-I`` (the nearest future), ``TCS-I.NFO``, ``NIFTY50-INDEX``,
# ``TCS-RE`` (a right to new shares).
_NO_SHARE = re.compile(
    rf".+?\d\d{_MONTH}(\d\d)?(FUT|\d+(\.\d+)?(CE|PE))|.+\d{{6,}}(CE|PE)"
    r"|.+-(I{1,3}|FUT|INDEX|RE\d?)|.+\.(NFO|BFO|MCX|CDS|BCD|NCDEX)"
)


@lru_cache(maxsize=1 << 14)  # a folder of days has the same thousands of symbols in each
def is_no_share(symbol: str) -> bool:
    """Whether a symbol is plainly of a future, an option, an index or a right."""
    return _NO_SHARE.fullmatch(symbol.strip().upper()) is not None


def is_instrument_type(word: str) -> bool:
    """Whether a word is a type of instruments, rather than the name of one."""
    return word.strip().upper() in (*_SHARES, *_NAMES)


def share_types() -> tuple[str, ...]:
    """The words for a share."""
    return _SHARES


def cash_segments() -> tuple[str, ...]:
    """The words for the cash market."""
    return _CASH_SEGMENTS


def type_name(word: str) -> str:
    """What a type of instruments is, with the file's own word: ``STF, futures of shares``."""
    name = _NAMES.get(word)
    return f"{word} ({name})" if name else word


def segment_name(word: str) -> str:
    """What a segment is, with the file's own word."""
    name = _SEGMENTS.get(word)
    return f"{word} ({name})" if name else word
