"""The calendar of the National Stock Exchange of India, read from `nse_calendar.toml`.

Times in the file are Indian Standard Time. Its lines are checked against each other.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache, partial
from importlib import resources
from itertools import chain, filterfalse
from typing import Any

import numpy as np

from src.core.calendars.calendar import FAR_END, Calendar, Hours
from src.core.calendars.exchange import NSE
from src.core.errors import BadConfig

SATURDAY = 5
# A fixed offset: India has no summer time, so no time zone database is read.
IST = timezone(timedelta(hours=5, minutes=30), "IST")


@dataclass(frozen=True, slots=True)
class DayHours:
    """Opening and closing time of one day, in Indian Standard Time."""

    opens: time
    closes: time
    estimated: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of the file, ready to be looked up.

    Attributes:
        covered_from: First day that the file covers.
        covered_through: Last day of the last year whose holidays are published.
        closed: Weekdays without a session.
        weekend: Saturdays and Sundays with a session.
        regular: Regular hours and the day each row starts, oldest first.
        special: Hours of the sessions that do not keep the regular ones.
        yearly: Month and day of holidays that no calendar moves, for years not published yet.
    """

    covered_from: date
    covered_through: date
    closed: frozenset[date]
    weekend: frozenset[date]
    regular: tuple[tuple[date, DayHours], ...]
    special: Mapping[date, DayHours]
    yearly: frozenset[tuple[int, int]] = frozenset()

    def hours(self, d: date) -> DayHours:
        """Hours kept on `d` if it is a session: special ones, else the regular ones of its time."""
        return self.special.get(d) or _regular_hours_on(self.regular, d)


@lru_cache(maxsize=1)
def nse() -> Calendar:
    """The calendar of the National Stock Exchange of India, read once from the package."""
    source = resources.files("src.core.calendars").joinpath("nse_calendar.toml")
    return from_facts(parse(source.read_text(encoding="utf-8")))


def from_facts(facts: Facts) -> Calendar:
    """Build the calendar of a file's facts.

    Beyond `covered_through` every Monday to Friday is a session but for the holidays of a fixed
    date.
    """
    first, last = np.datetime64(facts.covered_from, "D"), np.datetime64(FAR_END, "D")
    days = np.arange(first, last + 1, dtype="datetime64[D]")
    # Day 0 of datetime64, 1970-01-01, was a Thursday: weekday 3.
    traded = (days.astype(np.int64) + 3) % 7 < SATURDAY
    closed = [*facts.closed, *_holidays_to_come(facts)]
    traded[[(d - facts.covered_from).days for d in closed]] = False
    traded[[(d - facts.covered_from).days for d in facts.weekend]] = True
    array = days[traded]
    array.setflags(write=False)
    covered = facts.covered_from, facts.covered_through
    return Calendar(NSE, IST, *covered, array, partial(_utc_hours, facts))


def _holidays_to_come(facts: Facts) -> list[date]:
    years = range(facts.covered_through.year, FAR_END.year + 1)
    days = [date(year, month, day) for year in years for month, day in facts.yearly]
    return [d for d in days if d > facts.covered_through]


def _utc_hours(facts: Facts, d: date) -> Hours:
    day = facts.hours(d)
    opens, closes = (
        datetime.combine(d, at, tzinfo=IST).astimezone(UTC) for at in (day.opens, day.closes)
    )
    return Hours(opens, closes, day.estimated)


def parse(text: str) -> Facts:
    """Read the file's text.

    Raises:
        BadConfig: Two lines contradict each other, or a day stands where it cannot belong.
    """
    document = tomllib.loads(text)
    regular = tuple((row["since"], _hours(row)) for row in document["regular_hours"])
    weekend = _days(document["weekend_sessions"])
    unusual = _days(document["unusual_hours"])
    closures = _days(document["closures"])
    holidays = _holidays(document["holidays"])
    _refuse("falls on a weekend", filter(_is_weekend, chain(closures, holidays, unusual)))
    _refuse("is no Saturday or Sunday", filterfalse(_is_weekend, weekend))
    _refuse("is both a holiday and a closure", closures.keys() & holidays)
    special = {d: _special_hours(d, row, regular) for d, row in (weekend | unusual).items()}
    facts = Facts(
        covered_from=document["covered_from"],
        covered_through=document["covered_through"],
        closed=frozenset(chain(closures, holidays)),
        weekend=frozenset(weekend),
        regular=regular,
        special=special,
        yearly=_yearly(document.get("yearly_holidays", {})),
    )
    _check(facts)
    return facts


def _check(facts: Facts) -> None:
    first, last = facts.covered_from, facts.covered_through
    _refuse("is both closed and a session", facts.closed & facts.special.keys())
    stated = facts.closed | facts.special.keys()
    _refuse(f"is not between {first} and {last}", (d for d in stated if not first <= d <= last))


def _days(section: Mapping[str, Any]) -> dict[date, Any]:
    return {date.fromisoformat(key): value for key, value in section.items()}


def _holidays(years: Mapping[str, Mapping[str, str]]) -> set[date]:
    by_year = {year: _days(section) for year, section in years.items()}
    _refuse(
        "stands under another year",
        (d for year, days in by_year.items() for d in days if str(d.year) != year),
    )
    return set(chain.from_iterable(by_year.values()))


def _yearly(section: Iterable[str]) -> frozenset[tuple[int, int]]:
    days = [date.fromisoformat(f"2000-{key}") for key in section]
    return frozenset((d.month, d.day) for d in days)


def _hours(row: Mapping[str, Any]) -> DayHours:
    return DayHours(row["opens"], row["closes"], bool(row.get("estimated", False)))


def _special_hours(
    d: date, row: Mapping[str, Any], regular: tuple[tuple[date, DayHours], ...]
) -> DayHours:
    usual = _regular_hours_on(regular, d)
    return DayHours(
        row.get("opens", usual.opens),
        row.get("closes", usual.closes),
        bool(row.get("estimated", usual.estimated)),
    )


def _regular_hours_on(regular: tuple[tuple[date, DayHours], ...], d: date) -> DayHours:
    return next((hours for since, hours in reversed(regular) if since <= d), regular[0][1])


def _is_weekend(d: date) -> bool:
    return d.weekday() >= SATURDAY


def _refuse(what: str, days: Iterable[date]) -> None:
    wrong = sorted(days)
    if wrong:
        raise BadConfig(f"nse_calendar.toml: {wrong[0]} {what}: correct that line of the file.")
