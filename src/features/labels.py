"""Label each session with the return that followed it: rows of the tables of labels.

The one rule for labels: adj_close of the session ``horizon`` sessions ahead by the calendar, over
that of the session itself, less 1. There is none where either session has no bar, or where a move
after the first and up to the second waits for a decision: it may be an unadjusted split.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from src.core.tables import DATASET_SHORT, FEATURES_DAILY

if TYPE_CHECKING:
    from src.core.arrays import Ints
    from src.core.calendars.calendar import Calendar

# More sessions than any calendar has, so that (ticker, session) fits one sortable integer.
_SPAN = 2**20


def label_rows(features: pl.DataFrame, horizon: int, calendar: Calendar) -> pl.DataFrame:
    """Every session of any number of tickers whose label is realised.

    Args:
        features: Rows of ``features_daily`` in key order.
        horizon: Sessions from a row to its label, at least 1.
        calendar: The exchange's sessions.

    Returns:
        The columns of ``dataset_short`` and the configured features, in key order. ``target`` is a
        simple return, ``label_end`` the session on which it is known.

    Raises:
        ValueError: For a horizon below 1.
    """
    rows, ends = realised_rows(features, horizon, calendar)
    price = features["adj_close"].to_numpy()
    made = {
        "label_end": features["date"].gather(ends),
        "target": pl.Series(price[ends] / price[rows] - 1, dtype=pl.Float64),
    }
    columns = [*DATASET_SHORT.columns, *configured(features)]
    taken = features.select(name for name in columns if name not in made)[rows]
    return taken.with_columns(**made).select(columns)


def realised_rows(bars: pl.DataFrame, horizon: int, calendar: Calendar) -> tuple[Ints, Ints]:
    """The rows whose label is realised, and for each of them the row at which it is; (m,) both.

    ``bars`` has ``ticker, date, action_pending`` in key order.

    Raises:
        ValueError: For a horizon below 1.
    """
    if horizon < 1:
        raise ValueError("a label lies at least one session ahead")
    session = session_numbers(bars["date"], calendar)
    known = np.flatnonzero(session >= 0)
    keys = bars["ticker"].rle_id().to_numpy().astype(np.int64)[known] * _SPAN + session[known]
    end = np.minimum(np.searchsorted(keys, keys + horizon), max(keys.size - 1, 0))
    moves = np.cumsum(bars["action_pending"].to_numpy()[known])
    realised = (keys[end] == keys + horizon) & (moves[end] == moves)
    return known[realised], known[end[realised]]


def configured(features: pl.DataFrame) -> list[str]:
    """Names of the features that the configuration asks for, among the columns of a frame."""
    return [name for name in features.columns if name not in FEATURES_DAILY.columns]


def session_numbers(dates: pl.Series, calendar: Calendar) -> Ints:
    """Position of each date in the calendar, -1 where it is no session that the calendar has."""
    days = dates.to_numpy().astype("datetime64[D]")
    # Prices older than the calendar have no known sessions ahead of them.
    covered = days >= np.datetime64(calendar.covered_from, "D")
    numbers = np.full(days.size, -1, dtype=np.int64)
    numbers[covered] = calendar.session_ids(days[covered])
    return numbers
