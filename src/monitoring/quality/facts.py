"""Gather what is stored of one ticker into the facts that its quality is judged by.

Ages are sessions before the ticker's newest one: that of its newest bar, clean or refused. How far
that one is behind the exchange is a fact of its own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from src.data.cleaning.compare_sources import TOLERANCE

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar
    from src.core.quality_rows import Bar, NewestFeatures, Refusal, Span, Step

# Sessions of which every bar is looked at; at the end of them a defect weighs next to nothing.
RECENT = 21
# Refusals that are no defect: of bars that are not whole yet or not this share's, or repeated rows.
HARMLESS = (
    *("partial_bar", "superseded_vintage", "before_calendar", "before_listing", "before_break"),
    *("before_first_price", "other_series", "duplicate_identical", "older_vintage"),
    *("null_over_value", "duplicate_of_bar", "other_instrument", "repeated_header"),
)
# What a session with one price only, as at the limit of a day, leaves unknown, and for so many
# sessions: the close has no place between its low and its high. No data are missing then.
ONE_PRICE_INPUTS, ONE_PRICE_SESSIONS = ("close_location", "close_location_5"), 5
# Relative difference of two sources' returns that nothing explains.
APART = 0.01


@dataclass(frozen=True)
class Defect:
    """Something wrong with one session.

    Attributes:
        age: Sessions before the newest one.
        day: The session, or the day of a bar without one.
        what: In words.
        amount: From 0 to 1: how bad it is.
    """

    age: int
    day: dt.date
    what: str
    amount: float = 1.0


@dataclass(frozen=True)
class Hole:
    """Sessions in a row without a bar.

    Attributes:
        length: How many.
        age: Sessions since it ended.
        after: The first session with a bar again.
    """

    length: int
    age: int
    after: dt.date


@dataclass(frozen=True)
class Comparison:
    """The relative difference of two sources' prices over those of the session before."""

    date: dt.date
    source: str
    other: str
    difference: float


@dataclass(frozen=True)
class StoredTicker:
    """What the tables have of one ticker, each in the order of dates.

    Attributes:
        bars: From some sessions before the recent ones on.
        steps: Of the last year.
        comparisons: Of every pair of sources that have the same two sessions.
        ex_dates: Of corporate actions: adjusted and unadjusted prices differ there rightly.
    """

    span: Span
    refusals: Sequence[Refusal] = ()
    bars: Sequence[Bar] = ()
    features: NewestFeatures | None = None
    steps: Sequence[Step] = ()
    comparisons: Sequence[Comparison] = ()
    ex_dates: frozenset[dt.date] = frozenset()


@dataclass(frozen=True)
class TickerFacts:
    """What the quality of a ticker's data is judged by.

    Attributes:
        sessions: From its first bar to its newest session.
        bars: How many of them have a clean bar.
        repaired: Bars that were filled from elsewhere.
        pending: Sessions with a jump that nothing explains yet.
        refused: Rows that were refused.
        behind: Sessions that have closed since the newest features.
        newest: Session of the newest features, or of the newest bar without any.
        missing: Of the recent sessions those without a bar; the others alike.
        incomplete: Sessions whose features or model inputs are missing.
        refusals: Refused bars.
        contradictions: Sessions on which stored values cannot all be right.
        compared: Recent returns that another source has too.
        apart: Those on which the two differ.
        holes: Two sessions or more without a bar, in the last year.
    """

    ticker: str
    sessions: int
    bars: int
    repaired: int
    pending: int
    refused: int
    behind: int
    newest: dt.date
    missing: tuple[Defect, ...] = ()
    incomplete: tuple[Defect, ...] = ()
    refusals: tuple[Defect, ...] = ()
    contradictions: tuple[Defect, ...] = ()
    compared: int = 0
    apart: tuple[Defect, ...] = ()
    holes: tuple[Hole, ...] = field(default=())


def newest_session(
    span: Span, refusals: Iterable[Refusal], closed: dt.date, calendar: Calendar
) -> dt.date:
    """The session of the newest bar up to ``closed``, be it clean or refused."""
    days = (day for refusal in refusals if (day := _date(refusal.day)) and day <= closed)
    return calendar.ahead(max([span.newest, *days]), 0)


def gather_facts(stored: StoredTicker, closed: dt.date, calendar: Calendar) -> TickerFacts:
    """The facts of one ticker, at the session ``closed``."""
    span = stored.span
    newest = newest_session(span, stored.refusals, closed, calendar)
    recent = calendar.sessions(span.first, newest)[-RECENT:]
    ages = {day: age for age, day in enumerate(reversed(recent))}
    bars = [bar for bar in stored.bars if bar.date in ages]
    with_bar = {bar.date for bar in bars}
    features = span.newest if stored.features is None else stored.features.date
    compared, apart = _compare_sources(stored, bars, ages)
    return TickerFacts(
        ticker=span.ticker,
        sessions=calendar.count(span.first, newest) + 1,
        bars=span.bars,
        repaired=span.repaired,
        pending=span.pending,
        refused=len(stored.refusals),
        behind=calendar.count(features, closed),
        newest=features,
        missing=tuple(
            Defect(age, day, "no bar") for day, age in ages.items() if day not in with_bar
        ),
        incomplete=tuple(_incomplete(bars, stored.features, ages)),
        refusals=tuple(_refusals(stored.refusals, newest, calendar)),
        contradictions=tuple(_contradictions(bars, ages)),
        compared=compared,
        apart=apart,
        holes=tuple(_holes(stored.steps, newest, calendar)),
    )


def _incomplete(
    bars: Sequence[Bar], newest: NewestFeatures | None, ages: dict[dt.date, int]
) -> Iterator[Defect]:
    """Sessions without features, or without an input that an earlier one had.

    What has never been known, such as the return of a year of a new share, is not missing, nor is
    what a session with one price leaves unknown.
    """
    fewest: int | None = None
    for number, bar in enumerate(bars):
        window = bars[max(0, number + 1 - ONE_PRICE_SESSIONS) : number + 1]
        if not bar.has_features:
            yield Defect(ages[bar.date], bar.date, "no features")
        elif not bar.warm_up and all(each.high > each.low for each in window):
            if fewest is not None and bar.unknown_inputs > fewest:
                lost = bar.unknown_inputs - fewest
                yield Defect(ages[bar.date], bar.date, f"{lost} model inputs are not known")
            fewest = min(bar.unknown_inputs, bar.unknown_inputs if fewest is None else fewest)
    if newest is not None and newest.unknown and newest.date in ages:
        yield Defect(ages[newest.date], newest.date, f"{newest.unknown} features are not known")


def _refusals(refusals: Iterable[Refusal], newest: dt.date, calendar: Calendar) -> Iterator[Defect]:
    for refusal in refusals:
        day = _date(refusal.day)
        if day is None or day < calendar.covered_from or calendar.ahead(day, 0) > newest:
            continue  # before the calendar, or of a session that is still to come
        age = calendar.count(day, newest)
        if age < RECENT:
            yield Defect(age, day, f"refused by {refusal.rule}")


def _contradictions(bars: Sequence[Bar], ages: dict[dt.date, int]) -> Iterator[Defect]:
    for bar in bars:
        age = ages[bar.date]
        if bar.action_pending:
            yield Defect(age, bar.date, "a jump that waits for a decision")
        if bar.features_close is not None and abs(bar.features_close / bar.close - 1) > 1e-9:
            yield Defect(age, bar.date, "features of another close than the stored one")
        # What continues a series is another record of the same close, and lacks nothing.
        if bar.repaired_by not in (None, "continued"):
            yield Defect(age, bar.date, f"filled from another place ({bar.repaired_by})", 0.5)
    for before, bar in pairwise(bars):
        if bar.volume > 0 and before[2:7] == bar[2:7]:
            yield Defect(ages[bar.date], bar.date, "the same bar as the session before")


def _compare_sources(
    stored: StoredTicker, bars: Iterable[Bar], ages: dict[dt.date, int]
) -> tuple[int, tuple[Defect, ...]]:
    """How many returns of clean bars another source has too, and those on which they differ."""
    chosen = {bar.date: bar.source for bar in bars}
    judged = [
        each
        for each in stored.comparisons
        if chosen.get(each.date) in {each.source, each.other} and each.date not in stored.ex_dates
    ]
    apart = tuple(
        Defect(
            ages[each.date],
            each.date,
            f"the returns of {each.source} and {each.other} differ by {each.difference:.2%}",
            min(1.0, (each.difference - TOLERANCE) / (APART - TOLERANCE)),
        )
        for each in judged
        if each.difference > TOLERANCE
    )
    return len(judged), apart


def _holes(steps: Iterable[Step], newest: dt.date, calendar: Calendar) -> Iterator[Hole]:
    for step in steps:
        length = calendar.count(step.before, step.after) - 1
        if length > 1:
            yield Hole(length, calendar.count(step.after, newest), step.after)


def _date(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None
