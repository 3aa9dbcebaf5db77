"""Score the quality of the data that a run leaves, and keep the scores."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from src.core.pools import SAMPLE_POOL
from src.db.watched.data_state import return_pairs
from src.db.watched.quality import QualityScores
from src.db.watched.quality_facts import QualityFacts
from src.features.catalogue import features
from src.monitoring.quality.dimensions import YEAR, judge
from src.monitoring.quality.facts import (
    HARMLESS,
    RECENT,
    Comparison,
    StoredTicker,
    TickerFacts,
    gather_facts,
    newest_session,
)
from src.monitoring.quality.score import as_row, overall

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar
    from src.db.tables.records import Records
    from src.stages.stage import RunContext


def record_quality(context: RunContext, tickers: Sequence[str]) -> dict[str, Any] | None:
    """Score these tickers of one exchange, and all stored scores together, and keep both.

    Returns:
        ``score`` and ``dimensions`` (score by name) of all together; None for a run that is not
        live, or where nothing has been scored.
    """
    if context.records is None or not context.live:
        return None
    calendar = context.calendar
    closed = calendar.last_closed(context.now)
    columns = [feature.name for feature in features(context.settings.features)]
    scores = QualityScores(context.records.connection)
    rows = [
        _row(gather_facts(stored, closed, calendar), closed, context)
        for stored in _read(context.records, tickers, columns, closed, calendar)
    ]
    scores.write(rows, context.now)
    stored = {ticker: row for ticker, row in scores.latest().items() if ticker}
    real = {t: row for t, row in stored.items() if row["pool"] not in {None, SAMPLE_POOL}}
    every = overall(real or stored)
    if every is None:
        return None
    scores.write([{"ticker": "", **every}], context.now)
    dimensions = {name: each["score"] for name, each in every["dimensions"].items()}
    return {"score": every["score"], "dimensions": dimensions}


def _row(facts: TickerFacts, closed: dt.date, context: RunContext) -> dict[str, Any]:
    dimensions = judge(facts, context.settings.data.stale_after_sessions)
    return {"ticker": facts.ticker, "session": closed, **as_row(dimensions, facts.behind)}


def _read(
    records: Records,
    tickers: Sequence[str],
    columns: Sequence[str],
    closed: dt.date,
    calendar: Calendar,
) -> Iterator[StoredTicker]:
    tables = QualityFacts(records.connection)
    refusals = _by_ticker(tables.refusals(tickers, HARMLESS))
    spans = {span.ticker: span for span in tables.spans(tickers)}
    newest = {
        ticker: newest_session(span, refusals[ticker], closed, calendar)
        for ticker, span in spans.items()
    }
    # One bar more than is judged, to compare the first one with.
    recent = {ticker: _back(calendar, day, RECENT) for ticker, day in newest.items()}
    year = {ticker: _back(calendar, day, YEAR) for ticker, day in newest.items()}
    bars, steps = _by_ticker(tables.bars(recent)), _by_ticker(tables.steps(year))
    features = {row.ticker: row for row in tables.newest_features(list(spans), columns)}
    since = _back(calendar, closed, RECENT)
    comparisons = _comparisons(records, since)
    ex_dates = tables.ex_dates(list(comparisons), since)
    for ticker, span in spans.items():
        yield StoredTicker(
            span=span,
            refusals=refusals[ticker],
            bars=bars[ticker],
            features=features.get(ticker),
            steps=steps[ticker],
            comparisons=comparisons[ticker],
            ex_dates=frozenset(day for of, day in ex_dates if of == ticker),
        )


def _comparisons(records: Records, since: dt.date) -> dict[str, list[Comparison]]:
    by_ticker: dict[str, list[Comparison]] = defaultdict(list)
    for pair in return_pairs(records.connection, since):
        if pair.change is not None and pair.other_change is not None and pair.change > -1:
            difference = abs((1 + pair.other_change) / (1 + pair.change) - 1)
            compared = Comparison(pair.date, pair.source, pair.other, difference)
            by_ticker[pair.ticker].append(compared)
    return by_ticker


def _by_ticker(rows: Iterable[Any]) -> dict[str, list[Any]]:
    by_ticker: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        by_ticker[row.ticker].append(row)
    return by_ticker


def _back(calendar: Calendar, session: dt.date, sessions: int) -> dt.date:
    """So many sessions earlier, or the first of the calendar."""
    place = int(calendar.array.searchsorted(np.datetime64(session, "D")))
    day: dt.date = calendar.array[max(place - sessions, 0)].item()
    return day
