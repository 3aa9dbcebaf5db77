"""Forecasts of a run's tickers that have come due in: their outcomes recorded, and counted, out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from src.core.tables import CLEAN_DAILY, CORPORATE_ACTIONS
from src.data.corporate_actions.ledger import applied_actions
from src.modeling.evaluation.outcomes import WHY, Matured, Series, mature, told

if TYPE_CHECKING:
    from src.db.tables.forecasts import ForecastLog
    from src.stages.stage import RunContext


def record_outcomes(context: RunContext) -> dict[str, Any]:
    """Record what came true; a run that is not live records nothing.

    Returns:
        ``recorded`` and ``restated`` outcomes, forecasts that are due and have none by the reason,
        and ``notes``, a sentence for each such reason; nothing for a run that is not live.
    """
    if context.records is None:
        return {}
    counts = dict.fromkeys(("recorded", "restated", *WHY), 0)
    sentences: list[str] = []
    for ticker in context.tickers:
        found = _look(context, context.records.forecasts, ticker)
        new = context.records.forecasts.record(found.outcomes)
        for name, count in (
            ("recorded", new),
            ("restated", found.restated),
            *found.waiting.items(),
        ):
            counts[name] += count
        sentences.extend(told(ticker, found))
    return {**counts, "notes": sentences}


def _look(context: RunContext, log: ForecastLog, ticker: str) -> Matured:
    until = context.calendar.last_closed(context.now)
    followed = log.forecasts_before(ticker, until)
    if not followed:
        return Matured()
    return mature(
        followed,
        _series(context, ticker),
        calendar=context.calendar,
        until=until,
        at=context.now,
    )


def _series(context: RunContext, ticker: str) -> Series:
    clean = context.store.load(CLEAN_DAILY, [ticker])
    ledger = context.store.load(CORPORATE_ACTIONS, [ticker])
    bars = {bar["date"]: bar for bar in clean.iter_rows(named=True)}
    return Series(bars, applied_actions(ledger))
