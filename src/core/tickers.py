"""Bring tickers, as people and files write them, into Yahoo's form (`TCS.NS`)."""

from __future__ import annotations

import re

from src.core.errors import UsageError

DEFAULT_SUFFIX = ".NS"
MAX_LENGTH = 32
MAX_TEXT_LENGTH = 40  # with NSE: before it and -EQ after it
FIRST, REST = "[A-Z0-9]", "[A-Z0-9&_-]"
# The series of ordinary shares, which NSE's own files append.
SERIES = "(-EQ)*"
_BLANKS = r"[ \t\r\n\xa0]*"
_SUFFIX = re.compile(r"(\.[A-Z0-9]{1,4})?")


def written_forms(body: str) -> str:
    """The pattern of tickers that match ``body``, with what may be written around them."""
    return rf"{_BLANKS}(NSE:{_BLANKS})?{body}{_BLANKS}"


_WRITTEN = re.compile(
    written_forms(rf"(?P<symbol>\^?{FIRST}{REST}*?(=[A-Z])?){SERIES}(?P<suffix>{_SUFFIX.pattern})"),
    # Without ASCII, letters of other scripts whose upper case is ASCII would match.
    re.IGNORECASE | re.ASCII,
)


def check_suffix(suffix: str) -> str:
    """The suffix in upper case (``.NS``, ``.BO`` or nothing).

    Raises:
        UsageError: It is not a suffix.
    """
    upper = suffix.strip().upper()
    if not _SUFFIX.fullmatch(upper):
        raise UsageError(f"{quoted(suffix)} is not a suffix: give one such as .NS, .BO or ''.")
    return upper


def normalise_ticker(text: str, suffix: str | None) -> str:
    """Yahoo's form of a ticker: ``nse:tcs-eq`` becomes ``TCS.NS``.

    Args:
        text: As a person or a file writes it.
        suffix: Added to a symbol that does not name its exchange, None for ``DEFAULT_SUFFIX``.

    Raises:
        UsageError: It is not a ticker.
    """
    match = _WRITTEN.fullmatch(text) if len(text) <= MAX_TEXT_LENGTH else None
    if match is None:
        raise UsageError(f"{quoted(text)} is not a ticker: give one such as TCS.NS.")
    symbol = (match["symbol"] + match["suffix"]).upper()
    suffix = DEFAULT_SUFFIX if suffix is None else check_suffix(suffix)
    ticker = symbol if is_complete(symbol) else symbol + suffix
    if len(ticker) > MAX_LENGTH:
        raise UsageError(
            f"{quoted(text)} is not a ticker: it is longer than {MAX_LENGTH} characters."
        )
    return ticker


def is_complete(symbol: str) -> bool:
    """Whether a symbol names its exchange already: ``TCS.NS``, ``INR=X``, ``^NSEI``."""
    return "." in symbol or "=" in symbol or symbol.startswith("^")


def quoted(text: str) -> str:
    """A text in quotes for a message: shortened, and without control characters."""
    short = text if len(text) <= MAX_LENGTH else text[:MAX_LENGTH] + "…"
    return ascii(short) if not short.isprintable() else repr(short)
