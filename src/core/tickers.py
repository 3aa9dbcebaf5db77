"""Ticker rules: what a person writes comes in, Yahoo's form of it goes out."""

from __future__ import annotations

import re

from src.core.errors import UsageError

LONGEST = 32
LONGEST_TEXT = 40  # NSE: before it and -EQ behind it
FIRST, REST = "[A-Z0-9]", "[A-Z0-9&_-]"
# Of ordinary shares, as NSE's own files append it.
SERIES = "(-EQ)*"
_BLANKS = r"[ \t\r\n\xa0]*"
_SUFFIX = re.compile(r"(\.[A-Z0-9]{1,4})?")


def spelt(body: str) -> str:
    """The pattern of all that may be written for tickers whose own pattern is ``body``."""
    return rf"{_BLANKS}(NSE:{_BLANKS})?{body}{_BLANKS}"


_SPELT = re.compile(
    spelt(rf"(?P<symbol>\^?{FIRST}{REST}*?(=[A-Z])?){SERIES}(?P<suffix>{_SUFFIX.pattern})"),
    # With ASCII no letter of another script is taken for the one it is in upper case.
    re.IGNORECASE | re.ASCII,
)


def check_suffix(suffix: str) -> str:
    """The suffix in upper case (``.NS``, ``.BO`` or nothing); raises UsageError."""
    upper = suffix.strip().upper()
    if not _SUFFIX.fullmatch(upper):
        raise UsageError(f"The suffix {shown(suffix)} is none: give one such as .NS, .BO or ''.")
    return upper


def normalise_ticker(text: str, suffix: str) -> str:
    """Yahoo's ticker for what was written: ``nse:tcs-eq`` is ``TCS.NS``; raises UsageError."""
    found = _SPELT.fullmatch(text) if len(text) <= LONGEST_TEXT else None
    if found is None:
        raise UsageError(f"{shown(text)} is no ticker: give one such as TCS.NS.")
    symbol = (found["symbol"] + found["suffix"]).upper()
    ticker = symbol if is_complete(symbol) else symbol + check_suffix(suffix)
    if len(ticker) > LONGEST:
        raise UsageError(f"{shown(text)} is no ticker: it is longer than {LONGEST} characters.")
    return ticker


def is_complete(symbol: str) -> bool:
    """Whether a symbol names its exchange already: ``TCS.NS``, ``INR=X``, ``^NSEI``."""
    return "." in symbol or "=" in symbol or symbol.startswith("^")


def shown(text: str) -> str:
    """A person's text as a message may quote it: short, and without control characters."""
    short = text if len(text) <= LONGEST else text[:LONGEST] + "…"
    return ascii(short) if not short.isprintable() else repr(short)
