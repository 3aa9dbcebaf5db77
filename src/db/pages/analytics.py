"""What the analytics page reads of models and their events."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from src.core.arrays import Singles
from src.core.tables import FEATURES_DAILY
from src.db.tables.model_events import EventLog

if TYPE_CHECKING:
    import psycopg

    from src.core.model_events import ModelEvent

_COUNTS = "SELECT (SELECT count(*) FROM prediction_outcomes), (SELECT count(*) FROM model_events)"
_ROWS = "SELECT * FROM features_daily WHERE ticker = %s ORDER BY date DESC LIMIT %s"
# Members whose newest features are of one version, so that the places of inputs are the same.
_POOL_BARS = """
SELECT ticker, date, adj_close, log_return, variance, inputs[%s]
FROM features_daily JOIN pool_members USING (ticker, features_version)
WHERE pool = %s AND date >= %s
ORDER BY ticker COLLATE "C", date
"""
_NAMES = "SELECT names FROM feature_sets WHERE features_version = %s"


@dataclass(frozen=True, eq=False)
class FeatureHistory:
    """The features of one stock at its newest sessions.

    Attributes:
        days: Ascending; R of them.
        columns: Names of the columns that the guide names, in their order.
        inputs: Names of what models see of the stock by itself.
        values: (R, columns and then inputs); NaN where one is not known.
    """

    days: Sequence[dt.date]
    columns: tuple[str, ...]
    inputs: tuple[str, ...]
    values: Singles

    def of(self, name: str) -> Singles:
        """The history of one of them; (R,)."""
        return self.values[:, (*self.columns, *self.inputs).index(name)]


def newest_training(
    connection: psycopg.Connection[Any], pool: str, horizon: str
) -> ModelEvent | None:
    """The newest training of a pool at a horizon, with what it measured; None before the first."""
    return EventLog(connection).last((pool, horizon), "trained")


def outcomes_and_events(connection: psycopg.Connection[Any]) -> tuple[int, int]:
    """Number of recorded outcomes and of events of models; they only grow."""
    row = connection.execute(_COUNTS).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def feature_history(
    connection: psycopg.Connection[Any], ticker: str, sessions: int
) -> FeatureHistory | None:
    """The features of a stock at its newest sessions; None where it has none.

    Inputs of another version of the code than those of the newest row are left unknown.
    """
    from psycopg.rows import dict_row

    with connection.cursor(row_factory=dict_row, binary=True) as cursor:
        rows = cursor.execute(_ROWS, (ticker, sessions)).fetchall()[::-1]
    if not rows:
        return None
    version = rows[-1]["features_version"]
    named = connection.execute(_NAMES, (version,)).fetchone()
    inputs = tuple(named[0]) if named else ()
    columns = tuple(name for name in rows[0] if name not in FEATURES_DAILY.columns)
    values = np.full((len(rows), len(columns) + len(inputs)), np.nan, dtype=np.float32)
    for at, row in enumerate(rows):
        values[at, : len(columns)] = [row[name] for name in columns]
        if inputs and row["features_version"] == version and row["inputs"]:
            values[at, len(columns) :] = row["inputs"]
    return FeatureHistory([row["date"] for row in rows], columns, inputs, values)


def pool_bars(
    connection: psycopg.Connection[Any], pool: str, since: dt.date, place: int
) -> list[tuple[Any, ...]]:
    """What inputs that compare the stocks of a pool are made of, by ticker and date.

    Columns: ticker, date, adj_close, log_return, variance, and the input at ``place`` in
    ``features_daily.inputs``, counted from 1 (None where that is 0).
    """
    with connection.cursor(binary=True) as cursor:
        return cursor.execute(_POOL_BARS, (place, pool, since)).fetchall()
