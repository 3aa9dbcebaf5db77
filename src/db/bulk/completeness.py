"""Count in the database what the rows of each ticker lack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from src.db import sql

if TYPE_CHECKING:
    from src.core.tables import Table


def query(table: Table, columns: Sequence[str], recent: int, until: str = "") -> str:
    """Select the ``COLUMNS`` of ``core.completeness``; ``until`` is one more condition.

    Of the tickers in parameter $1.
    """
    not_finite = (f"count(*) FILTER (WHERE NOT abs(\"{name}\") < 'infinity')" for name in columns)
    return f"""
SELECT ticker, rows, usable, lacking, not_finite, coalesce((
    SELECT date FROM {table.name} r WHERE r.ticker = counted.ticker {until}
    ORDER BY date DESC OFFSET {recent - 1} LIMIT 1), oldest) AS recent
FROM (SELECT ticker, count(*) AS rows, count(*) FILTER (WHERE NOT warm_up) AS usable,
        count(*) FILTER (WHERE NOT warm_up AND num_nulls({sql.names(columns)}) > 0) AS lacking,
        {" + ".join(not_finite)} AS not_finite, min(date) AS oldest
    FROM {table.name} WHERE ticker = ANY(string_to_array($1, ',')) {until}
    GROUP BY ticker) counted
"""  # noqa: S608 names of declared tables and columns
