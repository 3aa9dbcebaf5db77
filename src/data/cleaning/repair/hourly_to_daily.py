"""Build daily bars of the sessions that hourly bars cover completely."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar, Hours

HOUR = dt.timedelta(hours=1)
# Vendors count hours from the opening, or from a round time after a first bar that is shorter.
STUBS = tuple(dt.timedelta(minutes=minutes) for minutes in (0, 15, 30, 45))


def daily_bars(hourly: pl.DataFrame, calendar: Calendar) -> pl.DataFrame:
    """One bar for each session of which every hour is there and was fetched after the close.

    The close is that of the last trade, which may differ from the exchange's own closing price by
    some tenths of a percent. ``silent`` counts the hours for which the vendor has no volume, which
    the day's volume then lacks.

    ``hourly`` are clean bars of one ticker and source in time order: ``date, ts, open, high, low,
    close, volume, batch_id, fetched_at``. A session whose hours are not certain has no bar.

    Returns:
        ``date, open, high, low, close, volume, batch_id, hours, silent`` in date order.
    """
    days = hourly.group_by("date", maintain_order=True).agg(
        pl.col("open").first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").last(),
        pl.col("volume").sum(),
        pl.col("batch_id").max(),
        starts=pl.col("ts"),
        fetched=pl.col("fetched_at").min(),
        hours=pl.len().cast(pl.Int64),
        silent=((pl.col("volume") == 0) & (pl.col("high") > pl.col("low"))).sum().cast(pl.Int64),
    )
    is_complete = [
        _is_complete(day, starts, fetched, calendar)
        for day, starts, fetched in days.select("date", "starts", "fetched").iter_rows()
    ]
    traded = days.filter(pl.Series(is_complete, dtype=pl.Boolean), pl.col("volume") > 0)
    return traded.drop("starts", "fetched").sort("date")


def _is_complete(
    day: dt.date, starts: list[dt.datetime], fetched: dt.datetime, calendar: Calendar
) -> bool:
    if not calendar.is_session(day):
        return False
    hours = calendar.hours(day)
    if hours.estimated or fetched < hours.closes:
        return False
    return any(_grid(hours, stub) <= set(starts) for stub in STUBS)


def _grid(hours: Hours, stub: dt.timedelta) -> set[dt.datetime]:
    """When the bars of a session start: with its opening, after the stub, and hourly from there."""
    starts, start = {hours.opens}, hours.opens + stub
    while start < hours.closes:
        starts.add(start)
        start += HOUR
    return starts
