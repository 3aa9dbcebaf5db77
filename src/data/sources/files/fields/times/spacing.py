"""Refuse rows that are neither days nor hours apart, and days that all are moved by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from src.core.errors import BadInput
from src.data.sources.files.fields.dates.order import distinct_days

if TYPE_CHECKING:
    from src.data.sources.delivery import Kind

HOUR_MINUTES = 60
_WEEKLY_DAYS = 5
# Fewer gaps between daily rows may be around holidays.
_ENOUGH_GAPS = 8
# Two weeks of days, of which a fifth would be a weekday; special sessions on a weekend are rare.
_ENOUGH_DAYS = 10
_MANY = 0.1
# The weekday that takes the place of another, from Monday as 1.
_MOVED = {"early": (7, "Sundays", 5, "Friday"), "late": (6, "Saturdays", 1, "Monday")}


def check_spacing(kind: Kind, rows: pl.DataFrame) -> None:
    """Refuse hourly rows whose median gap is not an hour, and daily ones a week or more apart.

    The rows have ``ticker`` and ``key`` (Date, or Datetime); raises BadInput with the gap.
    """
    if kind == "hourly":
        gap, unit = median_minutes(rows.select("ticker", "key")), "minutes"
        wrong = gap is not None and gap != HOUR_MINUTES
    else:
        gap, unit = _median_days(rows["ticker"], rows["key"]), "days"
        wrong = gap is not None and gap >= _WEEKLY_DAYS
    if wrong:
        raise BadInput(f"its rows are {gap:g} {unit} apart: give daily or hourly bars.")


def check_weekdays(days: pl.Series) -> None:
    """Refuse dates of sessions that were moved by a day, as a change of time zone moves midnight.

    Raises:
        BadInput: where Sundays stand in the place of Fridays, or Saturdays in that of Mondays.
    """
    # The first of January of 1970, from which they are counted, was a Thursday.
    weekdays = (distinct_days(days.to_numpy()).astype(np.int64) + 3) % 7 + 1
    if weekdays.size < _ENOUGH_DAYS:
        return
    for moved, (extra, extra_name, missing, missing_name) in _MOVED.items():
        count = int((weekdays == extra).sum())
        if count >= _MANY * weekdays.size and not (weekdays == missing).any():
            raise BadInput(
                f"its dates are a day {moved}: {count} of {weekdays.size} are {extra_name} and "
                f"none is a {missing_name}: write them as dates of the exchange's time zone."
            )


def median_minutes(keys: pl.DataFrame) -> float | None:
    """The median minutes between bars of one ticker and date, None where no date has two."""
    keys = keys.drop_nulls().unique().sort("ticker", "key")
    gap = pl.col("key").diff().over("ticker", pl.col("key").dt.date())
    return keys.select(gap.dt.total_seconds() / 60).to_series().median()  # type: ignore[return-value]


def _median_days(tickers: pl.Series, keys: pl.Series) -> float | None:
    """The median days between rows of one ticker, None for a handful of rows."""
    if keys.min() == keys.max():  # a day of the whole market
        return None
    if tickers.n_unique() == 1:
        parts = [keys.drop_nulls()]
    else:
        rows = pl.DataFrame({"ticker": tickers, "key": keys}).drop_nulls()
        parts = [part["key"] for part in rows.partition_by("ticker", include_key=False)]
    gaps = [np.diff(np.sort(part.to_numpy())).astype(np.int64) for part in parts]
    whole = np.concatenate([np.empty(0, dtype=np.int64), *gaps])
    whole = whole[whole > 0]  # a day that is written twice is one day
    return None if whole.size < _ENOUGH_GAPS else float(np.median(whole))
