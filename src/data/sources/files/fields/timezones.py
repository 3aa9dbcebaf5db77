"""Zones: a file's written times come in; daily or intraday, dates and UTC times go out."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import polars as pl

from src.core.calendars.exchange import NSE, Exchange
from src.core.calendars.exchanges import exchange_of
from src.core.errors import BadInput

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from src.data.sources.delivery import Kind
    from src.data.sources.files.fields.dates import Stamps

INSIDE_AT_LEAST = 0.95
_ENOUGH_GAPS = 8
_ENOUGH_DAYS = 5
_INDIAN_MIDNIGHT = dt.time(18, 30)  # in UTC, of the day before


class Hours(Protocol):
    """A session's opening and close, in UTC."""

    @property
    def opens(self) -> dt.datetime:
        """The first moment of trading."""
        ...

    @property
    def closes(self) -> dt.datetime:
        """The moment after the last one of trading."""
        ...


class Calendar(Protocol):
    """What is asked of the exchange's calendar."""

    def hours(self, day: dt.date, /) -> Hours:
        """The hours of a session."""
        ...

    def session_ids(self, days: npt.NDArray[np.datetime64], /) -> npt.NDArray[np.int64]:
        """The number of each day's session, -1 for a day without one."""
        ...


@dataclass(frozen=True)
class Placed:
    """The kind of a file's bars and their key: dates for daily ones, UTC times for hourly ones."""

    kind: Kind
    key: pl.Series
    notes: tuple[str, ...] = ()


def place(stamps: Stamps, ticker: str, calendar: Calendar) -> Placed:
    """Daily or hourly, and when each bar was; raises BadInput when the zone cannot be told."""
    if not is_intraday(stamps):
        return _daily(stamps, ticker, calendar)
    if stamps.has_offset:
        utc = stamps.wall - offset_durations(stamps)
        return Placed("hourly", utc.dt.replace_time_zone("UTC").alias("ts"))
    zone, note = decide_zone(stamps.wall, calendar, exchange_of(ticker))
    return Placed("hourly", _as_utc(stamps.wall, zone).alias("ts"), (note,))


def is_intraday(stamps: Stamps) -> bool:
    """Whether a time of day is no day's stamp, but for a live last row below midnights.

    A day is stamped 00:00, or 18:30 throughout, which is the Indian midnight as UTC, or with any
    one time over enough days. A few rows of one time may as well be the last of an hourly file.
    """
    stamped = stamps.wall.drop_nulls()
    times = stamped.dt.time()
    if times.n_unique() == 1 and stamped.dt.date().n_unique() >= _ENOUGH_DAYS:
        return False
    in_utc = bool((stamps.offset.drop_nulls() == 0).all())  # as is a file without offsets
    if in_utc and (times == _INDIAN_MIDNIGHT).all():
        return False
    midnight = int((times == dt.time(0)).sum())
    return midnight < INSIDE_AT_LEAST * times.len()


def decide_zone(wall: pl.Series, calendar: Calendar, exchange: Exchange = NSE) -> tuple[str, str]:
    """The one zone that puts nearly all bars inside sessions, and a note that says so.

    Where both zones mean the same times, as in a London winter, either is right.
    """
    readings = [_as_utc(wall, zone) for zone in (exchange.zone, "UTC")]
    there, utc = (share_inside(times, calendar, exchange.zone) for times in readings)
    its_time = "Indian time" if exchange == NSE else f"{exchange.zone} time"
    found = (
        f"{there:.1%} of the bars lie inside {exchange.name} sessions as {its_time}, "
        f"{utc:.1%} as UTC"
    )
    inside = there >= INSIDE_AT_LEAST, utc >= INSIDE_AT_LEAST
    if not any(inside) or (all(inside) and not readings[0].equals(readings[1])):
        raise BadInput(
            f"the zone of its times cannot be told ({found}): write them with an offset, as in "
            "2022-01-03 09:15:00+05:30."
        )
    zone = exchange.zone if inside[0] else "UTC"
    return zone, f"times read as {zone}: {found}"


def share_inside(utc: pl.Series, calendar: Calendar, zone: str = NSE.zone) -> float:
    """The share of bars that begin while a session is open; sessions have the zone's dates."""
    day = session_day(pl.col("ts"), zone)
    bars = utc.drop_nulls().alias("ts").to_frame().with_columns(day=day)
    days = bars["day"].unique().sort()
    sessions = days.filter(pl.Series(calendar.session_ids(_as_days(days)) >= 0))
    hours = [calendar.hours(day) for day in sessions]
    spans = pl.DataFrame(
        {"day": sessions, "opens": [h.opens for h in hours], "closes": [h.closes for h in hours]},
        schema={
            "day": pl.Date,
            "opens": pl.Datetime("us", "UTC"),
            "closes": pl.Datetime("us", "UTC"),
        },
    )
    inside = (pl.col("ts") >= pl.col("opens")) & (pl.col("ts") < pl.col("closes"))
    joined = bars.join(spans, on="day", how="left").select(inside.fill_null(value=False))
    return float(joined.to_series().mean() or 0)  # type: ignore[arg-type]


def session_day(ts: pl.Expr, zone: str = NSE.zone) -> pl.Expr:
    """The date of a UTC time at the exchange, by default in India."""
    return ts.dt.convert_time_zone(zone).dt.date()


def minutes_apart(keys: pl.DataFrame) -> float | None:
    """The usual minutes between bars of one ticker and day, None when none has two."""
    order = keys.with_columns(day=session_day(pl.col("ts"))).unique().sort("ticker", "ts")
    gaps = order.select(
        (pl.col("ts").diff().over("ticker", "day").dt.total_seconds() / 60).alias("gap")
    )
    median = gaps["gap"].drop_nulls().median()
    return None if median is None else float(median)  # type: ignore[arg-type]


def days_apart(keys: pl.DataFrame) -> float | None:
    """The usual days between rows of one ticker, None for a handful of rows that says little."""
    order = keys.drop_nulls().unique().sort("ticker", "date")
    gaps = order.select(pl.col("date").diff().over("ticker").dt.total_days().alias("gap"))["gap"]
    median = gaps.drop_nulls().median()
    few = gaps.len() - gaps.null_count() < _ENOUGH_GAPS
    return None if few or median is None else float(median)  # type: ignore[arg-type]


def offset_durations(stamps: Stamps) -> pl.Series:
    """The offsets as durations, to be taken from the written time."""
    return stamps.offset.to_frame("offset").select(pl.duration(minutes="offset")).to_series()


def _daily(stamps: Stamps, ticker: str, calendar: Calendar) -> Placed:
    wall = stamps.wall
    if stamps.has_offset and (stamps.offset.drop_nulls() == 0).all():
        return Placed("daily", _later_date(wall, exchange_of(ticker).zone))
    if not stamps.has_offset and _is_utc_midnight_of_india(wall, calendar):
        day = _later_date(wall, NSE.zone)
        return Placed("daily", day, ("times of 18:30 read as UTC, the next Indian midnight",))
    return Placed("daily", wall.dt.date())


def _later_date(utc: pl.Series, zone: str) -> pl.Series:
    """The date of a midnight written in UTC, be it midnight there or at the exchange.

    Midnight in India is 18:30 of the day before in UTC; west of Greenwich a midnight in UTC is
    the evening before at the exchange, and one there has the same date in UTC.
    """
    there = _as_utc(utc, "UTC").dt.convert_time_zone(zone).dt.date()
    dates = pl.DataFrame({"there": there, "utc": utc.dt.date()})
    return dates.select(pl.max_horizontal("there", "utc")).to_series()


def _is_utc_midnight_of_india(wall: pl.Series, calendar: Calendar) -> bool:
    times = wall.drop_nulls().dt.time()
    if not times.len() or not (times == _INDIAN_MIDNIGHT).all():
        return False
    days = wall.drop_nulls().dt.date()
    share = [
        float((calendar.session_ids(_as_days(dates)) >= 0).mean())
        for dates in (days, days.dt.offset_by("1d"))
    ]
    return share[1] > share[0]


def _as_utc(wall: pl.Series, zone: str) -> pl.Series:
    # An hour that a change of clocks skips or repeats names no one time.
    known = wall.dt.replace_time_zone(zone, ambiguous="null", non_existent="null")
    return known.dt.convert_time_zone("UTC")


def _as_days(days: pl.Series) -> npt.NDArray[np.datetime64]:
    return days.to_numpy().astype("datetime64[D]")
