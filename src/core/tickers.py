"""Ticker rules: what a person writes comes in, Yahoo's form of it goes out."""

from __future__ import annotations

import re

from src.core.errors import UsageError

LONGEST = 32
_TICKER = re.compile(r"\^?[A-Z0-9][A-Z0-9&_-]*(=[A-Z])?(\.[A-Z0-9]{1,4})?")
_SUFFIX = re.compile(r"(\.[A-Z0-9]{1,4})?")


def check_suffix(suffix: str) -> str:
    """The suffix in upper case (``.NS``, ``.BO`` or nothing); raises UsageError."""
    upper = suffix.strip().upper()
    if not _SUFFIX.fullmatch(upper):
        raise UsageError(f"The suffix {shown(suffix)} is none: give one such as .NS, .BO or ''.")
    return upper


def normalise_ticker(text: str, suffix: str) -> str:
    """Yahoo's ticker for what was written: ``nse:tcs-eq`` is ``TCS.NS``; raises UsageError."""
    symbol = text.strip().upper().removeprefix("NSE:").strip()
    symbol = re.sub(r"-EQ(?=\.|$)", "", symbol)
    if not _TICKER.fullmatch(symbol):
        raise UsageError(f"{shown(text)} is no ticker: give one such as TCS.NS.")
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
