"""Logged forecasts and today's clean prices in; what came true of them out. Pure.

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

from src.core.tables import PREDICTIONS
from src.data.corporate_actions.intake.merge import NOISE

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar
    from src.data.corporate_actions.action import Action

Row = Mapping[str, Any]

NO_BAR, PENDING = "no_bar", "pending_action"
WHY = {
    NO_BAR: "a session without a price",
    PENDING: "a corporate action that waits for a decision",
}


@dataclass(frozen=True, eq=False)
class Series:
    """One ticker as it is known today.

    Attributes:
        bars: Rows of ``raw_daily_prices_clean`` by date.
        actions: What was applied to them.
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
class Matured:
    """What a look at the forecasts of a ticker came to.

    Attributes:
        outcomes: Rows of ``prediction_outcomes``: first ones, and those that were restated.
        restated: How many of them are.
        waiting: Forecasts that are due and have no outcome, by the reason, ``no_bar`` or
            ``pending_action``.
    """

    outcomes: list[dict[str, Any]] = field(default_factory=list)
    restated: int = 0
    waiting: dict[str, int] = field(default_factory=lambda: dict.fromkeys(WHY, 0))


def mature(
    followed: Sequence[Row],
    series: Series,
    *,
    calendar: Calendar,
    until: dt.date,
    at: dt.datetime,
) -> Matured:
    """Outcomes of the forecasts whose session has come.

    Args:
        followed: Keys, ``sessions``, and the newest outcome so far: see ``ForecastLog.followed``.
        series: Of their ticker.
        calendar: The exchange's sessions.
        until: The last session that has closed.
        at: When this is found, aware.
    """
    found = Matured()
    for one in followed:
        end = calendar.ahead(one["feature_date"], one["sessions"])
        if end > until:
            continue
        lacking = _lacking(series, one["feature_date"], end)
        if lacking is None:
            _settle(found, one, series, end, at)
        elif one["realised_return"] is None:
            found.waiting[lacking] += 1
    return found


def told(ticker: str, found: Matured) -> list[str]:
    """A sentence for each reason why forecasts that are due have no outcome."""
    return [
        f"{ticker}: {count} forecast{'s' if count > 1 else ''} came due without an outcome, "
        f"because of {WHY[reason]}."
        for reason, count in found.waiting.items()
        if count
    ]


def _lacking(series: Series, start: dt.date, end: dt.date) -> str | None:
    if not all(_priced(series.bars.get(day)) for day in (start, end)):
        return NO_BAR
    return PENDING if series.pending_between(start, end) else None


def _priced(bar: Row | None) -> bool:
    return bar is not None and bar["adj_close"] is not None and bar["adj_close"] > 0


def _settle(found: Matured, one: Row, series: Series, end: dt.date, at: dt.datetime) -> None:
    start, before = one["feature_date"], one["realised_return"]
    first, last = series.bars[start], series.bars[end]
    realised = last["adj_close"] / first["adj_close"] - 1
    if before is not None and end == one["label_end"] and not _restated(before, realised):
        return
    notes = [*_between(series.actions, start, end), *_repairs(first, last)]
    if before is not None:
        found.restated += 1
        notes.append(f"restated from {before:+.6f} to {one['label_end']}")
    found.outcomes.append(
        {
            **{name: one[name] for name in PREDICTIONS.key},
            "matured_at": at,
            "label_end": end,
            "realised_return": realised,
            "return_basis": last["return_basis"],
            "note": "; ".join(notes),
        }
    )


def _restated(before: float, now: float) -> bool:
    """Whether the two prices moved against each other by more than other digits do."""
    return abs((1 + now) - (1 + before)) > NOISE * (1 + before)


def _between(actions: Sequence[Action], start: dt.date, end: dt.date) -> list[str]:
    return [_named(one) for one in actions if start < one.date <= end]


def _named(action: Action) -> str:
    size = action.amount if action.ratio is None else action.ratio
    return f"{action.kind}{'' if size is None else f' of {size:g}'} on {action.date}"


def _repairs(*bars: Row) -> list[str]:
    return [
        f"close of {bar['date']} repaired ({bar['repaired_by']})"
        for bar in bars
        if bar["repaired_by"]
    ]
