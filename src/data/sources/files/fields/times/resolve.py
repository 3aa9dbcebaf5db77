"""Decide whether bars are daily or hourly, and resolve their written times to dates or UTC times.

The time zone of times without an offset is decided for a whole file: it is the exchange's or UTC,
whichever puts nearly all bars inside sessions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from src.core.calendars.exchange import NSE, Exchange
from src.core.errors import BadInput

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar
    from src.data.sources.delivery import Kind
    from src.data.sources.files.fields.dates.parse import ParsedDates

_NEARLY_ALL = 0.95
_ENOUGH_DAYS = 5
# In UTC, of the day before; in microseconds of that day.
_INDIAN_MIDNIGHT = (18 * 60 + 30) * 60 * 1_000_000


@dataclass(frozen=True)
class BarTimes:
    """The kind of a file's bars and their key: dates for daily ones, UTC times for hourly ones."""

    kind: Kind
    key: pl.Series
    notes: tuple[str, ...] = ()


def resolve_times(
    dates: ParsedDates, tickers: pl.Series, calendar: Calendar, exchange: Exchange
) -> BarTimes:
    """Whether the bars are daily or hourly, and the date or UTC time of each.

    ``tickers`` are those of the rows, all of the calendar's exchange.

    Raises:
        BadInput: when the time zone of times without an offset cannot be decided.
    """
    if not is_intraday(dates):
        return _daily(dates, exchange, calendar)
    if dates.has_offset:
        offsets = dates.offset.to_frame("offset").select(pl.duration(minutes="offset"))
        utc = dates.wall - offsets.to_series()
        return BarTimes("hourly", utc.dt.replace_time_zone("UTC"))
    zone, note = decide_zone(dates.wall, calendar, exchange)
    return BarTimes("hourly", _as_utc(dates.wall, zone), (note,))


def is_intraday(dates: ParsedDates) -> bool:
    """Whether the times of day are those of bars within a day, not just stamps of whole days.

    A day is stamped 00:00, or 18:30 throughout, which is the Indian midnight in UTC, or with any
    one time over enough days; a few rows with one time may be the last ones of an hourly file. A
    live last row below midnights does not make a file intraday.
    """
    days, times = _days_and_times(dates.wall)
    other_days = np.count_nonzero(np.diff(np.sort(days)))
    if (times == times[:1]).all() and other_days + 1 >= _ENOUGH_DAYS:
        return False
    if _is_zero(dates.offset) and (times == _INDIAN_MIDNIGHT).all():  # also without offsets
        return False
    return int((times == 0).sum()) < _NEARLY_ALL * times.size


def _days_and_times(wall: pl.Series) -> tuple[npt.NDArray[np.datetime64], npt.NDArray[np.int64]]:
    """The day and the microsecond of the day of each time that can be read."""
    readable = wall.drop_nulls().to_numpy()
    days = readable.astype("M8[D]")
    return days, (readable - days).astype(np.int64)


def _is_zero(offset: pl.Series) -> bool:
    """Whether every offset is that of UTC, or none is stated."""
    return offset.min() in (0, None) and offset.max() in (0, None)


def decide_zone(wall: pl.Series, calendar: Calendar, exchange: Exchange = NSE) -> tuple[str, str]:
    """The one time zone that puts nearly all bars inside sessions, and a note about it.

    Where both zones mean the same times, as in a London winter, either is right.

    Raises:
        BadInput: when neither zone does, or both do with different times.
    """
    as_local, as_utc = _as_utc(wall, exchange.zone), _as_utc(wall, "UTC")
    local_share, utc_share = (
        share_in_sessions(times, calendar, exchange.zone) for times in (as_local, as_utc)
    )
    local_time = "Indian time" if exchange == NSE else f"{exchange.zone} time"
    shares = (
        f"{local_share:.1%} of the bars are inside {exchange.name} sessions as {local_time}, "
        f"{utc_share:.1%} as UTC"
    )
    local_fits, utc_fits = local_share >= _NEARLY_ALL, utc_share >= _NEARLY_ALL
    if not (local_fits or utc_fits) or (local_fits and utc_fits and not as_local.equals(as_utc)):
        raise BadInput(
            f"the time zone of its times cannot be decided ({shares}): write them with an offset, "
            "such as 2022-01-03 09:15:00+05:30."
        )
    zone = exchange.zone if local_fits else "UTC"
    return zone, f"times read as {zone}: {shares}"


def share_in_sessions(utc: pl.Series, calendar: Calendar, zone: str = NSE.zone) -> float:
    """The share of bars that begin during a session; sessions have the zone's dates."""
    day = session_date(pl.col("ts"), zone)
    bars = utc.drop_nulls().alias("ts").to_frame().with_columns(day=day)
    days = bars["day"].unique().sort()
    sessions = days.filter(pl.Series(calendar.session_ids(days.to_numpy()) >= 0))
    hours = [calendar.hours(session) for session in sessions]
    instant = pl.Datetime("us", "UTC")
    spans = pl.DataFrame(
        {"day": sessions, "opens": [h.opens for h in hours], "closes": [h.closes for h in hours]},
        schema={"day": pl.Date, "opens": instant, "closes": instant},
    )
    inside = (pl.col("ts") >= pl.col("opens")) & (pl.col("ts") < pl.col("closes"))
    joined = bars.join(spans, on="day", how="left").select(inside.fill_null(value=False))
    return float(joined.to_series().mean() or 0)  # type: ignore[arg-type]


def session_date(ts: pl.Expr, zone: str = NSE.zone) -> pl.Expr:
    """The date of a UTC time at the exchange, by default in India."""
    return ts.dt.convert_time_zone(zone).dt.date()


def _daily(dates: ParsedDates, exchange: Exchange, calendar: Calendar) -> BarTimes:
    wall = dates.wall
    if dates.has_offset and _is_zero(dates.offset):
        return BarTimes("daily", _date_of_midnight(wall, exchange.zone))
    if not dates.has_offset and _is_utc_midnight_of_india(wall, calendar):
        day = _date_of_midnight(wall, NSE.zone)
        return BarTimes("daily", day, ("times of 18:30 read as UTC, the next Indian midnight",))
    return BarTimes("daily", wall.dt.date())


def _date_of_midnight(utc: pl.Series, zone: str) -> pl.Series:
    """The date of a midnight written in UTC, be it midnight in UTC or at the exchange.

    Midnight in India is 18:30 of the day before in UTC; west of Greenwich a midnight in UTC is
    the evening before at the exchange, and one there has the same date in UTC.
    """
    local = session_date(pl.col("utc").dt.replace_time_zone("UTC"), zone)
    later = pl.max_horizontal(local, pl.col("utc").dt.date())
    return utc.alias("utc").to_frame().select(later).to_series()


def _is_utc_midnight_of_india(wall: pl.Series, calendar: Calendar) -> bool:
    days, times = _days_and_times(wall)
    if not times.size or not (times == _INDIAN_MIDNIGHT).all():
        return False
    same_day, next_day = (
        float((calendar.session_ids(dates) >= 0).mean()) for dates in (days, days + 1)
    )
    return next_day > same_day


def _as_utc(wall: pl.Series, zone: str) -> pl.Series:
    # An hour that a change of clocks skips or repeats is not one certain time.
    local = wall.dt.replace_time_zone(zone, ambiguous="null", non_existent="null")
    return local.dt.convert_time_zone("UTC")
