"""Read which tickers are listed, and whose the rows under a changed symbol are."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from src.core.identities import Identities, Span
from src.db.bulk.cursors import query

if TYPE_CHECKING:
    pass

_SPANS = """
SELECT symbol, lower(days) AS since, upper(days) AS until, ticker
FROM ticker_spans($1::timestamptz) ORDER BY symbol, until NULLS LAST
"""
_STATE = "SELECT count(*), max(stated_at)::text FROM symbol_changes"
_LISTED = "SELECT ticker FROM instruments"


class IdentityCache:
    """The identities that were read last: the table is append-only, so its size tells a change."""

    def __init__(self) -> None:
        self._read: dict[dt.datetime | None, tuple[tuple[object, ...], Identities]] = {}

    def identities(self, connection: Any, known_at: dt.datetime | None = None) -> Identities:
        """Whose the rows under each symbol are that was changed, as stated by an aware time."""
        state = query(connection, _STATE).row(0)
        if known_at not in self._read or self._read[known_at][0] != state:
            at = "infinity" if known_at is None else known_at.isoformat()
            rows = query(connection, _SPANS, (at,)) if state[0] else None
            spans = () if rows is None else tuple(Span(*row) for row in rows.iter_rows())
            self._read[known_at] = state, Identities(spans)
        return self._read[known_at][1]


def listed_tickers(connection: Any) -> set[str]:
    """All tickers with facts of their listing."""
    return set(query(connection, _LISTED)["ticker"])
