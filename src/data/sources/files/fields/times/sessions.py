"""Relate the times of bars to the sessions of an exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from src.core.calendars.exchange import NSE

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar
    from src.data.sources.files.fields.dates.parse import ParsedDates

UTC = pl.Datetime("us", "UTC")
# An hour of a festival says nothing about the labels and the zone of a file.
FULL_SESSION = pl.duration(hours=3)


def session_date(ts: pl.Expr, zone: str = NSE.zone) -> pl.Expr:
    """The date of a UTC time at the exchange, by default in India."""
    return ts.dt.convert_time_zone(zone).dt.date()


def stated_utc(dates: ParsedDates) -> pl.Series:
    """The times of a file that states offsets, in UTC."""
    offsets = dates.offset.to_frame("offset").select(pl.duration(minutes="offset"))
    return (dates.wall - offsets.to_series()).dt.replace_time_zone("UTC")


def as_utc(wall: pl.Series, zone: str) -> pl.Series:
    """Written times of a zone in UTC, null in an hour that a change of clocks skips or repeats."""
    local = wall.dt.replace_time_zone(zone, ambiguous="null", non_existent="null")
    return local.dt.convert_time_zone("UTC")


def local_times(dates: ParsedDates, zone: str) -> list[pl.Series]:
    """The naive times at the exchange: one reading with offsets, else as local and as UTC."""
    if dates.has_offset:
        return [_at_exchange(stated_utc(dates), zone)]
    return [dates.wall, _at_exchange(dates.wall.dt.replace_time_zone("UTC"), zone)]


def _at_exchange(utc: pl.Series, zone: str) -> pl.Series:
    return utc.dt.convert_time_zone(zone).dt.replace_time_zone(None)


def with_hours(bars: pl.DataFrame, calendar: Calendar, zone: str) -> pl.DataFrame:
    """The bars, with a UTC time ``ts``, and ``day``, ``opens`` and ``closes`` of their session.

    Both are null on a day without a session; ``day`` is that of the exchange's zone.
    """
    bars = bars.with_columns(day=session_date(pl.col("ts"), zone))
    days = bars["day"].drop_nulls().unique().sort()
    sessions = days.filter(pl.Series(calendar.session_ids(days.to_numpy()) >= 0))
    hours = [calendar.hours(session) for session in sessions]
    spans = pl.DataFrame(
        {"day": sessions, "opens": [h.opens for h in hours], "closes": [h.closes for h in hours]},
        schema={"day": pl.Date, "opens": UTC, "closes": UTC},
    )
    return bars.join(spans, on="day", how="left", maintain_order="left")


def share_on_sessions(days: pl.Series, calendar: Calendar) -> float:
    """The share of days that are sessions; those before the calendar's first are left out."""
    covered = days.filter(days >= calendar.covered_from).to_numpy()
    return float((calendar.session_ids(covered) >= 0).mean()) if covered.size else 0.0


def share_in_sessions(utc: pl.Series, calendar: Calendar, zone: str = NSE.zone) -> float:
    """The share of bars that begin during a session; sessions have the zone's dates.

    A festival's hour counts only where there is no full session: many files have a usual day there.
    """
    bars = with_hours(utc.drop_nulls().alias("ts").to_frame(), calendar, zone)
    is_short = (pl.col("closes") - pl.col("opens") < FULL_SESSION).fill_null(value=False)
    counted = bars.filter(~is_short)
    inside = (pl.col("ts") >= pl.col("opens")) & (pl.col("ts") < pl.col("closes"))
    counted = bars if counted.is_empty() else counted
    return float(counted.select(inside.fill_null(value=False).mean()).item() or 0)
