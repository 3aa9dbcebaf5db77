"""Hourly bars in, the daily bars of the sessions that they cover completely out; pure."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar

HOUR = dt.timedelta(hours=1)


def daily_bars(hourly: pl.DataFrame, calendar: Calendar) -> pl.DataFrame:
    """One bar for each session of which every hour is there and was fetched after the close.

    The close is that of the last hour's last trade, which the exchange's own closing price may
    miss by some tenths of a percent. A vendor that leaves out the volume of an hour leaves it out
    of the day's: ``silent`` counts such hours.

    Args:
        hourly: clean hourly bars of one ticker and source in time order: ``date, ts, open, high,
            low, close, volume, batch_id, fetched_at``.
        calendar: gives the hours of each session; one whose hours are not certain has no bar.

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
    whole = [
        _is_whole(day, starts, fetched, calendar)
        for day, starts, fetched in days.select("date", "starts", "fetched").iter_rows()
    ]
    traded = days.filter(pl.Series(whole, dtype=pl.Boolean), pl.col("volume") > 0)
    return traded.drop("starts", "fetched").sort("date")


def _is_whole(
    day: dt.date, starts: list[dt.datetime], fetched: dt.datetime, calendar: Calendar
) -> bool:
    if not calendar.is_session(day):
        return False
    span = calendar.hours(day)
    if span.estimated or fetched < span.closes:
        return False
    expected = set()
    start = span.opens
    while start < span.closes:
        expected.add(start)
        start += HOUR
    return expected <= set(starts)
