"""Calendars of other exchanges than NSE, from the optional package `exchange_calendars`."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import partial
from importlib import import_module
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from src.core.arrays import Days
from src.core.calendars.calendar import FAR_END, Calendar, Hours
from src.core.calendars.exchange import Exchange
from src.core.errors import UsageError

PACKAGE = "exchange_calendars"
_RECENT = 60  # sessions, a quarter: their usual hours are the regular ones of now


@dataclass(frozen=True, eq=False)
class _Schedule:
    """The hours of the sessions that the package knows, and the regular ones of later sessions.

    Attributes:
        days: The sessions.
        opens: Start of each, datetime64[us], UTC.
        closes: End of each, datetime64[us], UTC.
        regular: The usual start and end in the exchange's zone.
    """

    days: Days
    opens: Days
    closes: Days
    regular: tuple[time, time]


def package_calendar(exchange: Exchange) -> Calendar:
    """Build the calendar of an exchange, without closing auctions and breaks.

    Beyond ``covered_through`` sessions follow the package's rules as far as these go, then every
    Monday to Friday is one.

    Raises:
        UsageError: The package is not installed.
    """
    with warnings.catch_warnings():
        # The package uses pandas in a way that makes pandas warn.
        warnings.simplefilter("ignore")
        kind = type(_package(exchange).get_calendar(exchange.code))
        first, last = kind.bound_min(), kind.bound_max()
        start = exchange.since if first is None else max(exchange.since, first.date())
        end = FAR_END if last is None else min(FAR_END, last.date())
        # A frame with `open` and `close` in UTC, one row per session.
        frame = kind(start=str(start), end=str(end)).schedule
    schedule = _schedule(frame, exchange.zone)
    later = np.arange(np.datetime64(end) + 1, np.datetime64(FAR_END) + 1)
    array = np.concatenate([schedule.days, later[np.is_busday(later)]])
    array.setflags(write=False)
    zone = ZoneInfo(exchange.zone)
    covered = start, min(exchange.announced, end)
    return Calendar(exchange, zone, *covered, array, partial(_hours, schedule, zone))


def _package(exchange: Exchange) -> Any:
    try:
        return import_module(PACKAGE)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"The sessions of {exchange.name} come from a package that is not installed: "
            "pip install exchange-calendars."
        ) from error


def _schedule(frame: Any, zone: str) -> _Schedule:
    opens, closes = (
        frame[name].dt.tz_convert(None).to_numpy().astype("datetime64[us]")
        for name in ("open", "close")
    )
    recent = frame.tail(_RECENT)
    usual = [recent[name].dt.tz_convert(zone).dt.time.mode()[0] for name in ("open", "close")]
    days = frame.index.to_numpy().astype("datetime64[D]")
    return _Schedule(days, opens, closes, (usual[0], usual[1]))


def _hours(schedule: _Schedule, zone: ZoneInfo, d: date) -> Hours:
    position = int(schedule.days.searchsorted(np.datetime64(d, "D")))
    if position < schedule.opens.size:
        listed = (at[position].item() for at in (schedule.opens, schedule.closes))
        opens, closes = (at.replace(tzinfo=UTC) for at in listed)
    else:
        usual = (datetime.combine(d, at, zone) for at in schedule.regular)
        opens, closes = (at.astimezone(UTC) for at in usual)
    return Hours(opens, closes, estimated=False)
