"""Read which tickers are listed, and whose the rows under a changed symbol are."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from src.core.identities import Identities, Span
from src.db import bulk

if TYPE_CHECKING:
    import polars as pl

_SPANS = """
SELECT symbol, lower(days) AS since, upper(days) AS until, ticker
FROM ticker_spans($1::timestamptz) ORDER BY symbol, until NULLS LAST
"""
_LISTED = "SELECT ticker FROM instruments"


def identities(connection: Any, known_at: dt.datetime | None = None) -> Identities:
    """Whose the rows under each symbol are that was changed, as stated by an aware time."""
    at = "infinity" if known_at is None else known_at.isoformat()
    rows = _fetch(connection, _SPANS, (at,))
    return Identities(tuple(Span(*row) for row in rows.iter_rows()))


def listed_tickers(connection: Any) -> set[str]:
    """All tickers with facts of their listing."""
    return set(_fetch(connection, _LISTED)["ticker"])


def _fetch(connection: Any, query: str, parameters: tuple[str, ...] = ()) -> pl.DataFrame:
    with bulk.cursor(connection) as cur:
        bulk.execute(cur, query, parameters)
        return bulk.fetch(cur)
