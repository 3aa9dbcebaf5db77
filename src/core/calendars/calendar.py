"""Dates in, NSE trading sessions out: which days traded, in which order, and when (UTC)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache
from importlib import resources

import numpy as np
import numpy.typing as npt

from src.core.calendars.nse import SATURDAY, Facts, parse
from src.core.errors import ForecastError

Days = npt.NDArray[np.datetime64]
Ids = npt.NDArray[np.int64]

# A fixed offset: India has no summer time, and a time zone database would have to be read.
IST = timezone(timedelta(hours=5, minutes=30), "IST")
FAR_END = date(2100, 12, 31)


class OutsideCalendar(ForecastError):
    """The date lies outside the years the trading calendar knows."""

    def __init__(self, what: object, first: date, last: date) -> None:
        self.what, self.first, self.last = what, first, last
        super().__init__(
            f"{what} is outside the trading calendar: stay between {first} and {last}."
        )


class NotASession(ForecastError):
    """NSE does not trade on that day."""

    def __init__(self, day: date) -> None:
        self.day = day
        super().__init__(f"{day} is no NSE session: ask for the session before or after it.")


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
    """NSE's trading sessions from `covered_from` to the end of 2100.

    A date is an Indian calendar date without a time of day. Beyond `covered_through` no holidays
    are published yet: every Monday to Friday counts as a session but for the holidays of a fixed
    date, and `is_estimated` says so.

    Every method raises `OutsideCalendar` for a date, or an answer, outside these years, and
    `TypeError` for a datetime where a date belongs.
    """

    facts: Facts = field(repr=False)
    array: Days = field(repr=False)
    """All sessions in order, datetime64[D], read-only."""

    @property
    def covered_from(self) -> date:
        """First date the calendar knows."""
        return self.facts.covered_from

    @property
    def covered_through(self) -> date:
        """Last date whose sessions are officially published."""
        return self.facts.covered_through

    def is_session(self, d: date) -> bool:
        """Whether NSE trades on `d`, if only for an hour."""
        position = self._through(d) - 1
        return position >= 0 and bool(self.array[position] == np.datetime64(d, "D"))

    def is_estimated(self, d: date) -> bool:
        """Whether `d` lies beyond the last officially published year."""
        self._day(d)
        return d > self.covered_through

    def next_session(self, d: date) -> date:
        """First session strictly after `d`."""
        return self.ahead(d, 1)

    def previous_session(self, d: date) -> date:
        """Last session strictly before `d`."""
        before = int(self.array.searchsorted(self._day(d))) - 1
        return self._at(before, f"The session before {d}")

    def sessions(self, start: date, end: date) -> list[date]:
        """Sessions from `start` to `end`, both included; empty when `end` is before `start`."""
        first = int(self.array.searchsorted(self._day(start)))
        found: list[date] = self.array[first : self._through(end)].tolist()
        return found

    def count(self, after: date, through: date) -> int:
        """Number of sessions after `after` up to and including `through`; never negative."""
        return max(0, self._through(through) - self._through(after))

    def ahead(self, d: date, h: int) -> date:
        """The `h`-th session after `d`; with `h` 0, `d` itself or the last session before it.

        Raises:
            ValueError: `h` is negative.
        """
        _require_forward(h)
        return self._at(self._through(d) - 1 + h, f"Session {h} counted from {d}")

    def hours(self, d: date) -> Hours:
        """Trading hours of the session `d`; breaks inside it are not shown.

        Raises:
            NotASession: NSE does not trade on `d`.
        """
        if not self.is_session(d):
            raise NotASession(d)
        day = self.facts.hours(d)
        estimated = day.estimated or self.is_estimated(d)
        return Hours(_utc(d, day.opens), _utc(d, day.closes), estimated)

    def last_closed(self, now: datetime) -> date:
        """Last session whose close is at or before `now`.

        Raises:
            ValueError: `now` has no time zone.
        """
        if now.utcoffset() is None:
            raise ValueError(f"{now} has no time zone: pass an aware datetime, such as one in UTC.")
        today = now.astimezone(IST).date()
        latest = self.ahead(today, 0)
        return latest if self.hours(latest).closes <= now else self.previous_session(latest)

    def session_ids(self, dates: Days) -> Ids:
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

    def _day(self, d: date) -> np.datetime64:
        if isinstance(d, datetime):
            raise TypeError(f"{d} is a datetime: pass the date it has in India.")
        if not self.covered_from <= d <= FAR_END:
            raise self._outside(d)
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
        return int(self.array.searchsorted(self._day(d), side="right"))

    def _at(self, position: int, what: str) -> date:
        if not 0 <= position < self.array.size:
            raise self._outside(what)
        found: date = self.array[position].item()
        return found

    def _outside(self, what: object) -> OutsideCalendar:
        return OutsideCalendar(what, self.covered_from, FAR_END)


def from_facts(facts: Facts) -> Calendar:
    """Build the calendar of a file's facts."""
    first, last = np.datetime64(facts.covered_from, "D"), np.datetime64(FAR_END, "D")
    days = np.arange(first, last + 1, dtype="datetime64[D]")
    # Day 0 of datetime64, 1970-01-01, was a Thursday: weekday 3.
    traded = (days.astype(np.int64) + 3) % 7 < SATURDAY
    closed = [*facts.closed, *_holidays_to_come(facts)]
    traded[[(d - facts.covered_from).days for d in closed]] = False
    traded[[(d - facts.covered_from).days for d in facts.weekend]] = True
    array = days[traded]
    array.setflags(write=False)
    return Calendar(facts, array)


def _holidays_to_come(facts: Facts) -> list[date]:
    years = range(facts.covered_through.year, FAR_END.year + 1)
    days = [date(year, month, day) for year in years for month, day in facts.yearly]
    return [d for d in days if d > facts.covered_through]


@lru_cache(maxsize=1)
def nse() -> Calendar:
    """The calendar of the National Stock Exchange of India, read once from the package."""
    source = resources.files("src.core.calendars").joinpath("nse_calendar.toml")
    return from_facts(parse(source.read_text(encoding="utf-8")))


def _utc(d: date, at: time) -> datetime:
    return datetime.combine(d, at, tzinfo=IST).astimezone(UTC)


def _require_forward(h: int) -> None:
    if h < 0:
        raise ValueError(f"{h} sessions ahead cannot be counted: pass 0 or more.")
