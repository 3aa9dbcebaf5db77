"""The query parameter ``ticker``: as the OpenAPI document has it, and as requests are parsed."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import parse_qs

from fastapi import Request

from src.core.calendars.exchanges import exchange_of, ticker_pattern
from src.core.errors import UsageError
from src.core.tickers import MAX_TEXT_LENGTH, normalise_ticker, quoted

SUFFIX = ".NS"
MAX_CACHED_QUERY = 128  # bytes; longer queries are not cached
CACHE_SIZE = 4096

# Documented here and parsed below: FastAPI's own validation costs more than the answer.
TICKER_PARAMETER = {
    "parameters": [
        {
            "name": "ticker",
            "in": "query",
            "required": False,
            "description": "As Yahoo writes it; a bare symbol gets .NS. Without it a forecast is "
            "of the configured ticker, and a list is of all tickers.",
            "schema": {
                "type": "string",
                "pattern": ticker_pattern(SUFFIX),
                "maxLength": MAX_TEXT_LENGTH,
                "examples": ["TCS.NS"],
            },
        }
    ]
}


def requested_ticker(request: Request, *, only: bool = False) -> str | None:
    """The ticker in the query of ``request``, None where there is none.

    Args:
        request: With any query.
        only: Whether other parameters are refused. A mistyped one that is ignored would get the
            forecast of another ticker.

    Raises:
        UsageError: For a malformed query.
    """
    query = request.scope["query_string"]
    parse = _cached_parse if len(query) <= MAX_CACHED_QUERY else parse_query
    return parse(query, only)


def parse_query(query: bytes, only: bool = False) -> str | None:
    """The ticker in a query string: see ``requested_ticker``."""
    parameters = parse_qs(query.decode("latin-1"), keep_blank_values=True)
    for name in parameters:
        if only and name != "ticker":
            raise UsageError(
                f"Unknown query parameter {quoted(name)}: only 'ticker' is accepted (write & as "
                "%26)."
            )
    texts = parameters.get("ticker", [])
    if len(texts) > 1:
        raise UsageError("More than one ticker: ask for one, or use /predict/batch.")
    return parse_ticker(texts[0]) if texts else None


_cached_parse = lru_cache(maxsize=CACHE_SIZE)(parse_query)


@lru_cache(maxsize=CACHE_SIZE)
def parse_ticker(text: str) -> str:
    """The ticker meant by ``text``; raises UsageError for none, and for an unknown exchange."""
    ticker = normalise_ticker(text, SUFFIX)
    exchange_of(ticker)
    return ticker
