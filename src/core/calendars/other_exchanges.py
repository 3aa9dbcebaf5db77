"""An exchange in, its calendar out, as the optional package `exchange_calendars` knows it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from importlib import import_module
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np

from src.core.calendars.calendar import FAR_END, Calendar, Days, Hours, NotASession
from src.core.calendars.nse import Facts
from src.core.errors import ForecastError, UsageError

if TYPE_CHECKING:
    from src.core.calendars.exchanges import Exchange

PACKAGE = "exchange_calendars"
_RECENT = 60  # sessions, a quarter: shows the regular hours of now


class NoListedSession(NotASession):
    """The exchange does not trade on that day."""

    def __init__(self, day: date, exchange: Exchange) -> None:
        self.day, self.exchange = day, exchange
        sentence = f"{day} is no {exchange.name} session: ask for the session before or after it."
        ForecastError.__init__(self, sentence)


@dataclass(frozen=True, eq=False)
class ListedCalendar(Calendar):
    """Another exchange's sessions, with the laws of NSE's; a date is one of the exchange's zone.

    Beyond ``covered_through`` sessions follow the package's rules as far as these go, then every
    Monday to Friday is one; ``is_estimated`` says so for both.
    """

    exchange: Exchange
    opens: Days = field(repr=False)
    """Start of each session the package knows, datetime64[us], UTC."""
    closes: Days = field(repr=False)
    """End of each session the package knows, datetime64[us], UTC."""
    regular: tuple[time, time] = field(repr=False)
    """The usual hours in the exchange's zone, for sessions beyond those."""

    def hours(self, d: date) -> Hours:
        """Trading hours of the session ``d``, without closing auctions and breaks."""
        if not self.is_session(d):
            raise NoListedSession(d, self.exchange)
        position = int(self.array.searchsorted(np.datetime64(d, "D")))
        if position < self.opens.size:
            known = (at[position].item() for at in (self.opens, self.closes))
            opens, closes = (at.replace(tzinfo=UTC) for at in known)
        else:
            zone = ZoneInfo(self.exchange.zone)
            usual = (datetime.combine(d, at, zone) for at in self.regular)
            opens, closes = (at.astimezone(UTC) for at in usual)
        return Hours(opens, closes, self.is_estimated(d))

    def last_closed(self, now: datetime) -> date:
        """Last session whose close is at or before ``now``; raises ValueError without a zone."""
        if now.utcoffset() is None:
            raise ValueError(f"{now} has no time zone: pass an aware datetime, such as one in UTC.")
        latest = self.ahead(now.astimezone(ZoneInfo(self.exchange.zone)).date(), 0)
        return latest if self.hours(latest).closes <= now else self.previous_session(latest)

    def _day(self, d: date) -> np.datetime64:
        if isinstance(d, datetime):
            raise TypeError(f"{d} is a datetime: pass the date it has in {self.exchange.zone}.")
        return super()._day(d)


def listed_calendar(exchange: Exchange) -> ListedCalendar:
    """Build the calendar of an exchange; raises UsageError where the package is missing."""
    with warnings.catch_warnings():
        # The package uses pandas in a way of which pandas warns; none of it is ours.
        warnings.simplefilter("ignore")
        kind = type(_package(exchange).get_calendar(exchange.code))
        first, last = kind.bound_min(), kind.bound_max()
        start = exchange.since if first is None else max(exchange.since, first.date())
        end = FAR_END if last is None else min(FAR_END, last.date())
        # A frame with `open` and `close` in UTC, one row per session.
        return _from_schedule(exchange, kind(start=str(start), end=str(end)).schedule, start, end)


def _package(exchange: Exchange) -> Any:
    try:
        return import_module(PACKAGE)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"The sessions of {exchange.name} come from a package that is not installed: "
            "pip install exchange-calendars."
        ) from error


def _from_schedule(exchange: Exchange, schedule: Any, start: date, end: date) -> ListedCalendar:
    known = schedule.index.to_numpy().astype("datetime64[D]")
    later = np.arange(np.datetime64(end) + 1, np.datetime64(FAR_END) + 1)
    array = np.concatenate([known, later[np.is_busday(later)]])
    array.setflags(write=False)
    opens, closes = (
        schedule[name].dt.tz_convert(None).to_numpy().astype("datetime64[us]")
        for name in ("open", "close")
    )
    last = schedule.tail(_RECENT)
    usual = [
        last[name].dt.tz_convert(exchange.zone).dt.time.mode()[0] for name in ("open", "close")
    ]
    facts = Facts(
        covered_from=start,
        covered_through=min(exchange.announced, end),
        closed=frozenset(),
        weekend=frozenset(),
        regular=(),
        special={},
    )
    return ListedCalendar(facts, array, exchange, opens, closes, (usual[0], usual[1]))
