"""Resolve the written times of bars to dates of daily bars, or to UTC times of hourly ones.

The time zone of times without an offset is decided for a whole file: it is the exchange's or UTC,
whichever puts nearly all bars inside sessions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from src.core.calendars.exchange import NSE, Exchange
from src.core.errors import BadInput
from src.data.sources.files.fields.times.kind import (
    NEARLY_ALL,
    is_intraday,
    is_midnight,
    share_of_midnights,
)
from src.data.sources.files.fields.times.labels import move_to_starts
from src.data.sources.files.fields.times.sessions import (
    as_utc,
    local_times,
    share_in_sessions,
    share_on_sessions,
    stated_utc,
)
from src.data.sources.files.fields.times.spacing import check_spacing

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar
    from src.data.sources.delivery import Kind
    from src.data.sources.files.fields.dates.parse import ParsedDates


@dataclass(frozen=True)
class BarTimes:
    """The kind of a file's bars and their key: dates for daily ones, UTC times for hourly ones."""

    kind: Kind
    key: pl.Series
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Starts:
    """The UTC times at which bars begin by one reading of their labels, and how well it fits.

    ``share`` is that of bars that begin inside sessions.
    """

    zone: str
    key: pl.Series
    notes: tuple[str, ...]
    share: float

    @property
    def fits(self) -> bool:
        return self.share >= NEARLY_ALL


def resolve_times(
    dates: ParsedDates,
    tickers: pl.Series,
    calendar: Calendar,
    exchange: Exchange,
    stated: str | None = None,
) -> BarTimes:
    """Whether the bars are daily or hourly, and the date or UTC time of each.

    ``tickers`` are those of the rows, all of the calendar's exchange; ``stated`` is the kind
    that the file says, where it does.

    Raises:
        BadInput: when the kind, the time zone of times without an offset, or whether bars are
            labelled by their beginning cannot be decided.
    """
    if not is_intraday(dates, tickers, calendar, exchange.zone, stated):
        return _daily(dates, exchange, calendar)
    check_spacing("hourly", pl.DataFrame({"ticker": tickers, "key": dates.wall}))
    if not dates.has_offset:
        starts = decide_zone(dates.wall, tickers, calendar, exchange)
        return BarTimes("hourly", starts.key, starts.notes)
    _check_stated_zone(dates, calendar, exchange)
    key, notes = move_to_starts(stated_utc(dates), tickers, calendar, exchange.zone)
    return BarTimes("hourly", key, notes)


def _check_stated_zone(dates: ParsedDates, calendar: Calendar, exchange: Exchange) -> None:
    """Refuse offsets that put most bars outside sessions, into which the times alone would fit."""
    stated = share_in_sessions(stated_utc(dates), calendar, exchange.zone)
    if stated * 2 >= 1:
        return
    for zone in (exchange.zone, "UTC"):
        written = share_in_sessions(as_utc(dates.wall, zone), calendar, exchange.zone)
        if written >= NEARLY_ALL:
            raise BadInput(
                f"its times have a wrong offset: {stated:.1%} of the bars are inside "
                f"{exchange.name} sessions with it, {written:.1%} as {zone} time: correct it."
            )


def decide_zone(
    wall: pl.Series, tickers: pl.Series, calendar: Calendar, exchange: Exchange = NSE
) -> _Starts:
    """The bars' beginnings in the one time zone that puts nearly all inside sessions.

    Where both zones mean the same times, as in a London winter, either is right.

    Raises:
        BadInput: when neither zone does, or both do with different times.
    """
    zones = (exchange.zone, "UTC")
    readings = [_as_written(zone, wall, calendar, exchange) for zone in zones]
    local_time = "Indian time" if exchange == NSE else f"{exchange.zone} time"
    shares = (
        f"{readings[0].share:.1%} of the bars are inside {exchange.name} sessions as {local_time}, "
        f"{readings[1].share:.1%} as UTC"
    )
    if not any(reading.fits for reading in readings):
        readings = [_moved(reading, tickers, calendar, exchange) for reading in readings]
    fitting = [reading for reading in readings if reading.fits]
    if not fitting or not fitting[0].key.equals(fitting[-1].key):
        raise BadInput(
            f"the time zone of its times cannot be decided ({shares}): write them with an offset, "
            "such as 2022-01-03 09:15:00+05:30, and days without a time."
        )
    key, notes = fitting[0].key, fitting[0].notes
    if not notes:
        key, notes = move_to_starts(key, tickers, calendar, exchange.zone)
    note = f"times read as {fitting[0].zone}: {shares}"
    return replace(fitting[0], key=key, notes=(note, *notes))


def _as_written(zone: str, wall: pl.Series, calendar: Calendar, exchange: Exchange) -> _Starts:
    utc = as_utc(wall, zone)
    return _Starts(zone, utc, (), share_in_sessions(utc, calendar, exchange.zone))


def _moved(written: _Starts, tickers: pl.Series, calendar: Calendar, exchange: Exchange) -> _Starts:
    """The times moved to the beginnings of their bars where their labels show these."""
    try:
        key, notes = move_to_starts(written.key, tickers, calendar, exchange.zone)
    except BadInput:
        return written
    return _Starts(written.zone, key, notes, share_in_sessions(key, calendar, exchange.zone))


def _daily(dates: ParsedDates, exchange: Exchange, calendar: Calendar) -> BarTimes:
    wall = dates.wall
    if share_of_midnights(wall) == 1:
        return BarTimes("daily", wall.dt.date())
    local, *as_utc_read = (_dates(wall, reading) for reading in local_times(dates, exchange.zone))
    if not as_utc_read or not _are_midnights(dates, exchange.zone):
        return BarTimes("daily", local)
    utc = as_utc_read[0]
    local_share, utc_share = (share_on_sessions(days, calendar) for days in (local, utc))
    if utc_share > local_share:
        sample = f"{wall.drop_nulls()[0]:%H:%M}"
        midnight = "Indian midnight" if exchange == NSE else f"midnight of {exchange.zone}"
        return BarTimes("daily", utc, (f"times of {sample} read as UTC, the next {midnight}",))
    if utc_share == local_share and not local.equals(utc):
        raise BadInput(
            f"its times, such as {wall.drop_nulls()[0]}, can be of that day or midnights in UTC: "
            "write the dates as YYYY-MM-DD."
        )
    return BarTimes("daily", local)


def _dates(wall: pl.Series, at_exchange: pl.Series) -> pl.Series:
    """The date at the exchange; a midnight as written, in whichever zone, is of its own date."""
    written = pl.DataFrame({"at": wall, "local": at_exchange})
    is_written = is_midnight("at")
    date = pl.when(is_written).then(pl.col("at").dt.date()).otherwise(pl.col("local").dt.date())
    return written.select(key=date).to_series()


def _are_midnights(dates: ParsedDates, zone: str) -> bool:
    """Whether naive times are midnights of the exchange in UTC, but for one live row."""
    at_exchange = local_times(dates, zone)[-1].drop_nulls()
    others = at_exchange.len() * (1 - share_of_midnights(at_exchange))
    return round(others) <= max(0, min(1, at_exchange.len() - 2))
