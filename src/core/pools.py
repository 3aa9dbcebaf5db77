"""Name the pool of a ticker: the tickers of one exchange that are modelled together."""

from __future__ import annotations

from src.core.calendars.exchanges import exchange_of

# Synthetic prices are never pooled with real ones.
SAMPLE_POOL = "SAMPLE"
# By Yahoo's suffix; the tickers of other exchanges are pooled under the exchange's code.
_NAMED = {".NS": "NSE", ".BO": "BSE"}


def pool_of(ticker: str, *, synthetic: bool = False) -> str:
    """The name of a ticker's pool: ``NSE``, ``BSE``, the code of another exchange, or ``SAMPLE``.

    An index is pooled with nothing: its pool has its own name, such as ``^NSEI``.

    Raises:
        UsageError: It trades around the clock, or its exchange is not known.
    """
    if synthetic:
        return SAMPLE_POOL
    exchange = exchange_of(ticker)
    if ticker.startswith("^"):
        return ticker
    suffix = ticker[ticker.rindex(".") :] if "." in ticker else ""
    return _NAMED.get(suffix, exchange.code)
