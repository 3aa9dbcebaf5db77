"""Decide which part of dates such as 03/04/2024 and 24-12-31 is the day.

Parts above twelve show it. Without them the calendar may: where one order alone puts three dates or
more on sessions close to each other. Otherwise the file is refused.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from src.core.errors import BadInput
from src.data.sources.files.fields.dates.forms import OLDEST_YEAR, full_year

if TYPE_CHECKING:
    from src.core.arrays import Days
    from src.core.calendars.calendar import Calendar

_PARTS = ("first", "other", "last")
_YEAR_FIRST = "year/month/day"
# What the three parts are, in their order.
ORDERS = {
    "day/month": ("day", "month", "year"),
    "month/day": ("month", "day", "year"),
    _YEAR_FIRST: ("year", "month", "day"),
}
# Apart, over the longest holidays.
CLOSE_DAYS = 10
ENOUGH_DATES = 3


def name_parts(
    parts: pl.DataFrame,
    at: pl.Series,
    place: tuple[pl.Series, str],
    latest_year: int,
    calendar: Calendar,
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The parts with ``year``, ``month`` and ``day``, and what was assumed.

    ``place`` are the rows' lines in the file and the column's name, for messages.

    Raises:
        BadInput: where no order fits all rows, and where several do.
    """
    readings = _fitting(parts, latest_year)
    is_written = parts["first"].is_not_null()
    sample, line = at.filter(is_written)[0], place[0].filter(is_written)[0]
    if not readings:
        raise BadInput(
            f"its {place[1]} column mixes day/month and month/day order (first {sample!r}, line "
            f"{line}): write the dates as YYYY-MM-DD."
        )
    if len(readings) == 1:
        name, reading = readings.popitem()
        return reading, _note(name, at, parts)
    sessions = _by_calendar(readings, latest_year, calendar)
    if sessions is None:
        raise BadInput(
            f"its {place[1]} column is ambiguous, as {sample!r} (line {line}) can be "
            f"{' or '.join(readings)}: write the dates as YYYY-MM-DD."
        )
    note = f"dates read in {_full(sessions)} order, in which they are sessions in a row"
    return readings[sessions], (note,)


def _fitting(parts: pl.DataFrame, latest_year: int) -> dict[str, pl.DataFrame]:
    """The readings in which all dates can be, if possible with years that can be.

    A date such as 00/00/2024 can be in none, and shows nothing.
    """
    readings = {
        name: parts.rename(dict(zip(_PARTS, order, strict=True))) for name, order in ORDERS.items()
    }
    if parts["last"].str.len_chars().max() != 2:
        readings.pop(_YEAR_FIRST)
    can_be = pl.DataFrame({name: _can_be(reading) for name, reading in readings.items()})
    dates = can_be.filter(pl.any_horizontal(pl.all()))
    readings = {name: reading for name, reading in readings.items() if dates[name].all()}
    possible = {
        name: reading for name, reading in readings.items() if _has_years(reading, latest_year)
    }
    if not possible:
        readings.pop(_YEAR_FIRST, None)
    return possible or readings


def _can_be(reading: pl.DataFrame) -> pl.Series:
    month, day = (pl.col(name).cast(pl.Int32) for name in ("month", "day"))
    return reading.select(month.is_between(1, 12) & day.is_between(1, 31)).to_series()


def _has_years(reading: pl.DataFrame, latest_year: int) -> bool:
    year = full_year(pl.col("year"), latest_year)
    return bool(reading.select(year.is_between(OLDEST_YEAR, latest_year).all()).item())


def _note(name: str, at: pl.Series, parts: pl.DataFrame) -> tuple[str, ...]:
    if name == "day/month":
        return ()
    sign = parts["other" if name == "month/day" else "first"].cast(pl.Int32)
    sample = at.filter(sign > 12)
    return (f"dates read in {_full(name)} order, as in {sample[0]!r}",) if sample.len() else ()


def _full(name: str) -> str:
    return name if "year" in name else f"{name}/year"


def _by_calendar(
    readings: dict[str, pl.DataFrame], latest_year: int, calendar: Calendar
) -> str | None:
    """The order in which the dates are sessions close to each other, where it is but one."""
    dates = {name: _dates(reading, latest_year) for name, reading in readings.items()}
    if all(other.equals(next(iter(dates.values()))) for other in dates.values()):
        return next(iter(dates))
    close = [
        name for name, days in dates.items() if are_close_sessions(days, calendar, ENOUGH_DATES)
    ]
    return close[0] if len(close) == 1 else None


def _dates(reading: pl.DataFrame, latest_year: int) -> pl.Series:
    year = full_year(pl.col("year"), latest_year)
    text = pl.format("{}-{}-{}", year, "month", "day")
    return reading.select(text.str.to_date("%Y-%m-%d", strict=False)).to_series()


def distinct_days(times: Days) -> Days:
    """The days of some times that can be read, each once and in order.

    What lies in order already is passed over once, which ``np.unique`` takes three times as long
    for.
    """
    days: Days = np.sort(times[~np.isnat(times)].astype("datetime64[D]"), kind="stable")
    is_first = np.ones(days.size, dtype=bool)
    is_first[1:] = days[1:] != days[:-1]
    return days[is_first]


def are_close_sessions(days: pl.Series, calendar: Calendar, enough: int) -> bool:
    """Whether these are ``enough`` sessions, each at most ten days after another."""
    distinct = days.unique().sort()
    if distinct.null_count() or distinct.len() < enough or distinct[0] < calendar.covered_from:
        return False
    gap = distinct.diff().max()
    is_close = isinstance(gap, dt.timedelta) and gap.days <= CLOSE_DAYS
    return is_close and bool((calendar.session_ids(distinct.to_numpy()) >= 0).all())
