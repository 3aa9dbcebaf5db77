"""Read the tickers that a file's cells name, as exchanges and vendors write them."""

from __future__ import annotations

import re
from functools import lru_cache

from src.core.errors import UsageError
from src.core.tickers import normalise_ticker
from src.data.sources.files.fields.nse_series import BSE_GROUPS

NSE, BSE = ".NS", ".BO"
_EXCHANGES = {
    **dict.fromkeys(
        ("NSE", "NSI", "NSE_EQ", "NSE-EQ", "NSEEQ", "NSECM", "NSE_CM", "NSEI", "XNSE"), NSE
    ),
    **dict.fromkeys(("BSE", "BOM", "BSE_EQ", "BSE-EQ", "BSEEQ", "BSECM", "BSE_CM", "XBOM"), BSE),
    "NATIONAL STOCK EXCHANGE": NSE,
    "NATIONAL STOCK EXCHANGE OF INDIA": NSE,
    "BOMBAY STOCK EXCHANGE": BSE,
}
_PREFIX = re.compile(r"(?P<exchange>NSE|BSE|BOM|NSE_EQ|BSE_EQ)[:|] *(?P<symbol>.+)")
_ENDING = re.compile(r"(?P<symbol>.+)\.(?P<exchange>NSE|BSE)")
# Trade-to-trade and small companies' series, as brokers append them.
_SERIES = re.compile(r"-(BE|BZ|SM|ST)(?P<suffix>(\.NS)?)$")
_GROUP = re.compile(rf"-({'|'.join(BSE_GROUPS)})$")
# India, as Stooq and others write it, without saying which exchange.
_COUNTRY = re.compile(r"(?P<symbol>[^.]+)\.(IN|IND|INDIA)")


def suffix_of_exchange(word: str) -> str | None:
    """The suffix of an exchange in India, None for another word."""
    return _EXCHANGES.get(word.strip().upper())


@lru_cache(maxsize=1 << 14)  # a folder of days has the same thousands of symbols in each
def ticker_of_cell(text: str, suffix: str) -> str | None:
    """Yahoo's form of a ticker in a cell, None where it is none; ``suffix`` is for bare symbols.

    ``TCS.IN`` names India and no exchange: it is as good as TCS.
    """
    text = text.strip().upper()
    match = _PREFIX.fullmatch(text) or _ENDING.fullmatch(text)
    if match:
        text, suffix = match["symbol"], _EXCHANGES[match["exchange"]]
        if suffix == BSE:  # Fyers writes the group, as in BSE:TCS-A
            text = _GROUP.sub("", text)
    elif names_country(text):
        text = text[: text.rindex(".")]
    text = _SERIES.sub(r"\g<suffix>", text)
    try:
        ticker = normalise_ticker(text, suffix)
    except UsageError:
        return None
    is_code = ticker.endswith(NSE) and ticker.removesuffix(NSE).isdigit()  # of BSE's
    return None if is_code else ticker


def names_country(text: str) -> bool:
    """Whether a symbol names India, but not which exchange: ``TCS.IN``."""
    return _COUNTRY.fullmatch(text.strip().upper()) is not None


def is_bare(text: str) -> bool:
    """Whether a symbol names no exchange, in any spelling."""
    return ticker_of_cell(text, ".A") != ticker_of_cell(text, ".B")
