"""Measure drift at the end of a run, when new outcomes have been recorded."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from src.core.pools import SAMPLE_POOL
from src.core.tables import HORIZONS
from src.db.watched.drift import DriftTables
from src.monitoring.drift.daily import arrange
from src.monitoring.drift.feature_means import update_means
from src.monitoring.drift.feature_shift import PAST, WINDOW, feature_shift
from src.monitoring.drift.measures import SHARE, Measure, Window, coverage, skill

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar
    from src.stages.stage import RunContext

# Sessions after a forecast at which the path so far is looked at, long before the outcome.
EARLY = 21
# Chosen on 990 sessions of forecasts for 137 NSE shares, so that nothing that is as it should be
# raises an alert: docs/decisions.md.
COVERAGE = {
    "short": (
        Window("coverage", 63, 0.001, 0.02),
        Window("coverage_year", 250, 0.01, 0.02),
    ),
    "long": (Window("coverage_year", 250, 0.001, 0.05),),
}
EARLY_COVERAGE = Window("early_coverage", 125, 0.001, 0.05)
SKILL = {"short": Window("skill", 125, 0.05, 0.0), "long": Window("skill", 250, 0.05, 0.0)}
# Sessions of forecasts that are read: the longest window and horizon.
READ = 250 + 63 + 10
# Features of the newest sessions may still be coming in.
AGAIN = 5


def record_drift(context: RunContext, tickers: Mapping[str, Sequence[str]]) -> int:
    """Measure the drift of real pools and keep it; a run that is not live measures nothing.

    A run for less than half of a pool leaves its measures as they are: the outcomes of the others
    are still to come.

    Args:
        context: Of the run.
        tickers: Those that the run was for, by pool.

    Returns:
        How many measures are bad.
    """
    if context.records is None or not context.live:
        return 0
    tables = DriftTables(context.records.connection)
    return _record(context, tables, _pools(tables, tickers))


def keep_means(context: RunContext, tickers: Mapping[str, Sequence[str]]) -> None:
    """Keep the means of inputs that drift will be measured by; arguments as of ``record_drift``.

    For runs without a new outcome: the first evening with some need not read two years then. A pool
    whose outcomes an earlier run has recorded, which ended before it measured drift, is measured.
    """
    if context.records is None or not context.live:
        return
    tables = DriftTables(context.records.connection)
    session = context.calendar.last_closed(context.now)
    before = context.calendar.previous_session(session)
    for pool in _pools(tables, tickers):
        if tables.lacks_measures(pool, session, before):
            _record(context, tables, [pool])
        else:
            _update_means(tables, pool, context, session)


def _record(context: RunContext, tables: DriftTables, pools: Sequence[str]) -> int:
    """Measure pools, and keep the measures; how many are bad."""
    session = context.calendar.last_closed(context.now)
    rows = [
        {
            **dataclasses.asdict(measure),
            "pool": pool,
            "horizon": horizon,
            "session": session,
            "measured_at": context.now,
        }
        for pool in pools
        for horizon, measure in _measures(tables, pool, context, session)
    ]
    tables.write(rows)
    return sum(row["bad"] is True for row in rows)


def _pools(tables: DriftTables, tickers: Mapping[str, Sequence[str]]) -> list[str]:
    """The real pools of which a run was for half or more."""
    sizes = tables.pool_sizes()
    return [
        pool
        for pool, of_run in tickers.items()
        if pool != SAMPLE_POOL and 2 * len(of_run) >= sizes.get(pool, 0)
    ]


def _measures(
    tables: DriftTables, pool: str, context: RunContext, session: dt.date
) -> Iterator[tuple[str, Measure]]:
    calendar = context.calendar
    since = _back(calendar, session, READ)
    closes = {day: calendar.hours(day).closes for day in calendar.sessions(since, session)}
    for horizon in HORIZONS:
        sessions = getattr(context.settings.training.horizons, horizon)
        what = f"{pool} at {sessions} session{'s' if sessions > 1 else ''}"
        outcomes = arrange(tables.outcomes(pool, horizon, since, closes), SHARE)
        yield horizon, skill(outcomes, SKILL[horizon], sessions, what)
        for window in COVERAGE[horizon]:
            yield horizon, coverage(outcomes, window, sessions, what)
    yield "long", _early(tables, pool, calendar, list(closes))
    yield "", _features(tables, pool, context, session)


def _early(tables: DriftTables, pool: str, calendar: Calendar, days: Sequence[dt.date]) -> Measure:
    """Coverage of the 63-session intervals by the path of the first month."""
    later = dict(zip(days, days[EARLY:], strict=False))
    rows: list[dict[str, Any]] = tables.paths(pool, "long", EARLY, later) if later else []
    what = f"{pool} at 63 sessions, by the path of the first {EARLY},"
    return coverage(arrange(rows, SHARE), EARLY_COVERAGE, EARLY, what)


def _features(tables: DriftTables, pool: str, context: RunContext, session: dt.date) -> Measure:
    since = _update_means(tables, pool, context, session)
    names, rows = tables.feature_means(pool, since)
    means = np.array([row for _, row in rows], dtype=np.float64).reshape(len(rows), len(names))
    return feature_shift(names, means, pool)


def _update_means(tables: DriftTables, pool: str, context: RunContext, session: dt.date) -> dt.date:
    """Bring the means of a pool up to date; the first session of them."""
    since = _back(context.calendar, session, PAST + WINDOW + 10)
    update_means(context.store, tables, pool, since, session - dt.timedelta(days=2 * AGAIN))
    return since


def _back(calendar: Calendar, session: dt.date, sessions: int) -> dt.date:
    """So many sessions earlier, or the first of the calendar."""
    place = int(calendar.array.searchsorted(np.datetime64(session, "D")))
    day: dt.date = calendar.array[max(place - sessions, 0)].item()
    return day
