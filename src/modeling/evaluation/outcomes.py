"""Record the outcomes of logged forecasts whose session has come.

The outcome is the simple return of ``adj_close`` from the session of the features to the session
that lies the horizon ahead by the calendar, on the series as it is adjusted today.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from src.core.tables import CLEAN_DAILY, CORPORATE_ACTIONS, PREDICTIONS
from src.data.corporate_actions.ledger import applied_actions
from src.data.sources.delivery import NOISE

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar
    from src.data.corporate_actions.action import Action
    from src.db.tables.forecasts import ForecastLog
    from src.stages.stage import RunContext

Row = Mapping[str, Any]

NO_BAR, PENDING = "no_bar", "pending_action"
WAITING_REASONS = {
    NO_BAR: "a session without a price",
    PENDING: "a corporate action that waits for a decision",
}


@dataclass(frozen=True, eq=False)
class TickerPrices:
    """The prices of one ticker as they are adjusted today.

    Attributes:
        bars: Rows of ``raw_daily_prices_clean`` by date.
        actions: Those applied to them.
    """

    bars: Mapping[dt.date, Row]
    actions: Sequence[Action]

    def pending_between(self, start: dt.date, end: dt.date) -> bool:
        """Whether a move after ``start`` and up to ``end`` waits for a decision."""
        return bisect_right(self._pending, start) < bisect_right(self._pending, end)

    @cached_property
    def _pending(self) -> list[dt.date]:
        return sorted(day for day, bar in self.bars.items() if bar["action_pending"])


@dataclass
class MaturedForecasts:
    """Forecasts of a ticker that have come due.

    Attributes:
        outcomes: New rows of ``prediction_outcomes``: first and restated ones.
        restated: How many of them are restated.
        waiting: Forecasts that are due and have no outcome, by the reason, ``no_bar`` or
            ``pending_action``.
    """

    outcomes: list[dict[str, Any]] = field(default_factory=list)
    restated: int = 0
    waiting: dict[str, int] = field(default_factory=lambda: dict.fromkeys(WAITING_REASONS, 0))


def mature_forecasts(
    logged: Sequence[Row],
    prices: TickerPrices,
    *,
    calendar: Calendar,
    until: dt.date,
    at: dt.datetime,
) -> MaturedForecasts:
    """Outcomes of one ticker's forecasts whose session has come.

    ``logged`` has keys, ``sessions`` and the newest outcome: see ``ForecastLog.forecasts_before``;
    ``until`` is the last session that has closed, ``at`` the present time, aware.
    """
    matured = MaturedForecasts()
    for forecast in logged:
        end = calendar.ahead(forecast["feature_date"], forecast["sessions"])
        if end > until:
            continue
        reason = _waiting_reason(prices, forecast["feature_date"], end)
        if reason is None:
            _settle(matured, forecast, prices, end, at)
        elif forecast["realised_return"] is None:
            matured.waiting[reason] += 1
    return matured


def waiting_notes(ticker: str, matured: MaturedForecasts) -> list[str]:
    """A sentence for each reason why forecasts that are due have no outcome."""
    return [
        f"{ticker}: {count} forecast{'s' if count > 1 else ''} came due without an outcome, "
        f"because of {WAITING_REASONS[reason]}."
        for reason, count in matured.waiting.items()
        if count
    ]


def record_outcomes(context: RunContext) -> dict[str, Any]:
    """Record the outcomes of the context's tickers; a run that is not live records nothing.

    Returns:
        ``recorded`` and ``restated`` outcomes, forecasts that are due and have none by the reason,
        and ``notes``, a sentence for each such reason; nothing for a run that is not live.
    """
    if context.records is None:
        return {}
    counts = dict.fromkeys(("recorded", "restated", *WAITING_REASONS), 0)
    notes: list[str] = []
    for ticker in context.tickers:
        matured = _matured(context, context.records.forecasts, ticker)
        counts["recorded"] += context.records.forecasts.record(matured.outcomes)
        counts["restated"] += matured.restated
        for reason, count in matured.waiting.items():
            counts[reason] += count
        notes.extend(waiting_notes(ticker, matured))
    return {**counts, "notes": notes}


def _matured(context: RunContext, log: ForecastLog, ticker: str) -> MaturedForecasts:
    until = context.calendar.last_closed(context.now)
    logged = log.forecasts_before(ticker, until)
    if not logged:
        return MaturedForecasts()
    clean = context.store.load(CLEAN_DAILY, [ticker])
    ledger = context.store.load(CORPORATE_ACTIONS, [ticker])
    bars = {bar["date"]: bar for bar in clean.iter_rows(named=True)}
    prices = TickerPrices(bars, applied_actions(ledger))
    return mature_forecasts(logged, prices, calendar=context.calendar, until=until, at=context.now)


def _waiting_reason(prices: TickerPrices, start: dt.date, end: dt.date) -> str | None:
    if not all(_priced(prices.bars.get(day)) for day in (start, end)):
        return NO_BAR
    return PENDING if prices.pending_between(start, end) else None


def _priced(bar: Row | None) -> bool:
    return bar is not None and bar["adj_close"] is not None and bar["adj_close"] > 0


def _settle(
    matured: MaturedForecasts, forecast: Row, prices: TickerPrices, end: dt.date, at: dt.datetime
) -> None:
    start, before = forecast["feature_date"], forecast["realised_return"]
    first, last = prices.bars[start], prices.bars[end]
    realised = last["adj_close"] / first["adj_close"] - 1
    if before is not None and end == forecast["label_end"] and not _restated(before, realised):
        return
    between = [action for action in prices.actions if start < action.date <= end]
    notes = [*map(_described, between), *_repairs(first, last)]
    if before is not None:
        matured.restated += 1
        notes.append(f"restated from {before:+.6f} to {forecast['label_end']}")
    matured.outcomes.append(
        {
            **{name: forecast[name] for name in PREDICTIONS.key},
            "matured_at": at,
            "label_end": end,
            "realised_return": realised,
            "return_basis": last["return_basis"],
            "note": "; ".join(notes),
        }
    )


def _restated(before: float, now: float) -> bool:
    """Whether the ratio of the two prices changed by more than rounding."""
    return abs((1 + now) - (1 + before)) > NOISE * (1 + before)


def _described(action: Action) -> str:
    size = action.amount if action.ratio is None else action.ratio
    return f"{action.kind}{'' if size is None else f' of {size:g}'} on {action.date}"


def _repairs(*bars: Row) -> list[str]:
    return [
        f"close of {bar['date']} repaired ({bar['repaired_by']})"
        for bar in bars
        if bar["repaired_by"]
    ]
