"""The trading sessions of an exchange: which days trade, in which order, and when (UTC)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from functools import lru_cache

import numpy as np

from src.core.arrays import Days, Ints
from src.core.calendars.exchange import Exchange
from src.core.errors import ForecastError

FAR_END = date(2100, 12, 31)


class OutsideCalendar(ForecastError):
    """The date lies outside the years that the trading calendar covers."""

    def __init__(self, subject: object, first: date, last: date) -> None:
        super().__init__(
            f"{subject} is outside the trading calendar: stay between {first} and {last}."
        )


class NotASession(ForecastError):
    """The exchange does not trade on that day."""

    def __init__(self, day: date, exchange: Exchange) -> None:
        super().__init__(
            f"{day} is no {exchange.name} session: ask for the session before or after it."
        )


@dataclass(frozen=True, slots=True)
class Hours:
    """Trading hours of one session.

    Attributes:
        opens: Start of continuous trading, UTC.
        closes: When the last closing price of the day exists, UTC.
        estimated: The hours, or the session itself, are not known for certain.
    """

    opens: datetime
    closes: datetime
    estimated: bool


@dataclass(frozen=True, eq=False)
class Calendar:
    """The trading sessions of one exchange from `covered_from` to the end of 2100.

    A date is one of the exchange's time zone, without a time of day. Beyond `covered_through` no
    holidays are published yet: sessions are estimated, and `is_estimated` is true for them.

    Every method raises `OutsideCalendar` for a date, or a result, outside these years, and
    `TypeError` for a datetime where a date belongs. One calendar is equal to itself alone.

    Attributes:
        exchange: Whose sessions these are.
        zone: Its time zone.
        covered_from: First date of the calendar.
        covered_through: Last date whose sessions are officially published.
        array: All sessions in order, datetime64[D], read-only.
        hours_of: The hours of a day that is a session; see `hours`.
    """

    exchange: Exchange
    zone: tzinfo
    covered_from: date
    covered_through: date
    array: Days = field(repr=False)
    hours_of: Callable[[date], Hours] = field(repr=False)

    def is_session(self, d: date) -> bool:
        """Whether the exchange trades on `d`, if only for an hour."""
        position = self._through(d) - 1
        return position >= 0 and bool(self.array[position] == np.datetime64(d, "D"))

    def is_estimated(self, d: date) -> bool:
        """Whether `d` lies beyond the last officially published year."""
        self._require_covered(d)
        return d > self.covered_through

    def next_session(self, d: date) -> date:
        """First session strictly after `d`."""
        return self.ahead(d, 1)

    def previous_session(self, d: date) -> date:
        """Last session strictly before `d`."""
        before = int(self.array.searchsorted(self._day(d))) - 1
        return self._at(before, lambda: f"The session before {d}")

    def sessions(self, start: date, end: date) -> list[date]:
        """Sessions from `start` to `end`, both included; empty when `end` is before `start`."""
        first = int(self.array.searchsorted(self._day(start)))
        days: list[date] = self.array[first : self._through(end)].tolist()
        return days

    def count(self, after: date, through: date) -> int:
        """Number of sessions after `after` up to and including `through`; never negative."""
        return max(0, self._through(through) - self._through(after))

    def ahead(self, d: date, h: int) -> date:
        """The `h`-th session after `d`; with `h` 0, `d` itself or the last session before it.

        Raises:
            ValueError: `h` is negative.
        """
        _require_forward(h)
        return self._at(self._through(d) - 1 + h, lambda: f"Session {h} counted from {d}")

    def hours(self, d: date) -> Hours:
        """Trading hours of the session `d`; breaks inside it are not shown.

        Raises:
            NotASession: The exchange does not trade on `d`.
        """
        if not self.is_session(d):
            raise NotASession(d, self.exchange)
        hours = self.hours_of(d)
        return Hours(hours.opens, hours.closes, hours.estimated or self.is_estimated(d))

    def last_closed(self, now: datetime) -> date:
        """Last session whose close is at or before `now`.

        Raises:
            ValueError: `now` has no time zone.
        """
        if now.utcoffset() is None:
            raise ValueError(f"{now} has no time zone: pass an aware datetime, such as one in UTC.")
        latest = self.ahead(now.astimezone(self.zone).date(), 0)
        return latest if self.hours(latest).closes <= now else self.previous_session(latest)

    def session_ids(self, dates: Days) -> Ints:
        """Position of each date in `array`, -1 where it is no session.

        Raises:
            TypeError: `dates` holds no datetime64 values.
        """
        days = self._days(dates)
        ids = self.array.searchsorted(days, side="right") - 1
        return np.where(self.array[ids] == days, ids, -1)

    def ahead_many(self, dates: Days, h: int) -> Days:
        """`ahead` for an array: the `h`-th session after each date, as datetime64[D].

        Raises:
            TypeError: `dates` holds no datetime64 values.
            ValueError: `h` is negative.
        """
        _require_forward(h)
        days = self._days(dates)
        positions = self.array.searchsorted(days, side="right") - 1 + h
        outside = (positions < 0) | (positions >= self.array.size)
        if outside.any():
            raise self._outside(f"Session {h} counted from {days[outside][0]}")
        return self.array[positions]

    def _require_covered(self, d: date) -> None:
        if isinstance(d, datetime):
            raise TypeError(f"{d} is a datetime: pass the date it has in {self.exchange.zone}.")
        if not self.covered_from <= d <= FAR_END:
            raise self._outside(d)

    def _day(self, d: date) -> np.datetime64:
        self._require_covered(d)
        return np.datetime64(d, "D")

    def _days(self, dates: Days) -> Days:
        if dates.dtype.kind != "M":
            raise TypeError(f"Dates of type {dates.dtype} cannot be used: pass datetime64[D].")
        days = dates.astype("datetime64[D]")
        # Written so that a missing date (NaT), which compares as false, is refused too.
        inside = (days >= np.datetime64(self.covered_from)) & (days <= np.datetime64(FAR_END))
        if not inside.all():
            raise self._outside(days[~inside][0])
        return days

    def _through(self, d: date) -> int:
        return _sessions_through(self, d)

    def _at(self, position: int, what: Callable[[], str]) -> date:
        if not 0 <= position < self.array.size:
            raise self._outside(what())
        day: date = self.array[position].item()
        return day

    def _outside(self, what: object) -> OutsideCalendar:
        return OutsideCalendar(what, self.covered_from, FAR_END)


# Services and runs ask for the same few days again and again, and one search costs microseconds.
@lru_cache(maxsize=4096)
def _sessions_through(calendar: Calendar, d: date) -> int:
    """Number of sessions up to and including `d`."""
    return int(calendar.array.searchsorted(calendar._day(d), side="right"))


def _require_forward(h: int) -> None:
    if h < 0:
        raise ValueError(f"{h} sessions ahead cannot be counted: pass 0 or more.")
