"""Check what is stored of one ticker's features before a model may see it.

Critical are the guide's columns, types and values that are not finite. A missing model input is a
warning: zero is forecast there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from src.core.calendars.calendar import Calendar
from src.core.calendars.closed_days import are_from_another_exchange, closed_days_message

# A year of sessions: gaps in it matter for the next forecast.
RECENT = 252

INSTRUMENT = "instrument"

Severity = Literal["INFO", "WARNING", "CRITICAL"]


@dataclass(frozen=True)
class Finding:
    """The outcome of one check: a sentence with the values, and how much a failure matters."""

    check: str
    passed: bool
    severity: Severity
    message: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CheckInputs:
    """Everything that the checks of one ticker read.

    Attributes:
        wrong: Configured features that are no column of numbers.
        rows: Of features, one a clean daily bar.
        usable: Those beyond the warm-up.
        lacking: Those of the usable ones that lack a feature.
        not_finite: Values that are no number.
        days: Of the newest ``RECENT`` rows, in order.
        missing_inputs: Model inputs that are unknown at the newest bar.
        model_inputs: How many there are.
        refused: Daily bars in quarantine.
        on_closed_days: Those of them that are of days without a session.
    """

    ticker: str
    wrong: tuple[str, ...]
    rows: int
    usable: int
    lacking: int
    not_finite: int
    days: tuple[dt.date, ...]
    missing_inputs: tuple[str, ...]
    model_inputs: int
    refused: int
    on_closed_days: int
    calendar: Calendar
    newest_expected: dt.date
    min_rows: int
    max_missing_share: float
    stale_after: int


def check(inputs: CheckInputs) -> list[Finding]:
    """The findings of every check that applies, in order.

    A check that needs columns or rows is left out where there are none.
    """
    columns = has_columns(inputs)
    if not columns.passed:
        return [columns]
    if not inputs.rows:
        return [columns, enough_rows(inputs)]
    findings = [columns, *(each(inputs) for each in CHECKS)]
    # The messages describe failures: a passed check has none.
    return [replace(finding, message="") if finding.passed else finding for finding in findings]


def has_columns(inputs: CheckInputs) -> Finding:
    """Every configured feature is a column of type float64."""
    listed = ", ".join(inputs.wrong)
    return Finding(
        "columns",
        not inputs.wrong,
        "CRITICAL",
        f"{inputs.ticker}: feature columns missing or of a wrong type: {listed}; run "
        "`python -m src.features.features_daily write`.",
    )


def enough_rows(inputs: CheckInputs) -> Finding:
    """At least ``min_rows_required`` rows lie beyond the warm-up."""
    message = (
        f"{inputs.ticker}: {inputs.usable} rows of features beyond the warm-up, "
        f"{inputs.min_rows} are required (data.min_rows_required): ingest more history, "
        "or use the source that a warning of cleaning names."
    )
    if not inputs.rows:
        message = f"{inputs.ticker}: {_why_no_daily_bars(inputs)}"
    passed = inputs.usable >= inputs.min_rows
    return Finding("rows", passed, "CRITICAL", message, {"rows": inputs.usable})


def _why_no_daily_bars(inputs: CheckInputs) -> str:
    if inputs.refused:
        return (
            f"all {inputs.refused} daily bars were set aside in quarantine: "
            "`python -m src.data.report` says why."
        )
    return "there are no daily bars, and hourly ones alone are not enough: ingest daily prices."


def finite_values(inputs: CheckInputs) -> Finding:
    """No stored value is infinite or not a number."""
    total = inputs.not_finite
    return Finding(
        "finite", total == 0, "CRITICAL", f"{inputs.ticker}: {total} feature values are not finite."
    )


def few_gaps(inputs: CheckInputs) -> Finding:
    """Few rows beyond the warm-up lack a feature."""
    share = inputs.lacking / max(inputs.usable, 1)
    return Finding(
        "completeness",
        share <= inputs.max_missing_share,
        "CRITICAL",
        f"{inputs.ticker}: {inputs.lacking} of {inputs.usable} rows lack a feature ({share:.1%}), "
        f"at most {inputs.max_missing_share:.1%} may (validation.max_missing_share).",
        {"rows": inputs.lacking, "share": share},
    )


def right_instrument(inputs: CheckInputs) -> Finding:
    """Few rows lie on days when the exchange was closed."""
    closed, rows = inputs.on_closed_days, inputs.on_closed_days + inputs.rows
    return Finding(
        INSTRUMENT,
        not are_from_another_exchange(closed, rows),
        "CRITICAL",
        f"{inputs.ticker}: {closed_days_message(inputs.ticker, closed, rows)}",
        {"rows": closed, "share": closed / max(rows, 1)},
    )


def recent_sessions(inputs: CheckInputs) -> Finding:
    """Few sessions of the last year have no bar."""
    expected = inputs.calendar.sessions(inputs.days[0], inputs.days[-1])
    missing = sorted(set(expected).difference(inputs.days))
    share = len(missing) / max(len(expected), 1)
    return Finding(
        "recent_sessions",
        share <= inputs.max_missing_share,
        "WARNING",
        f"{inputs.ticker}: {len(missing)} of the last {len(expected)} sessions have no bar.",
        {"missing": [str(day) for day in missing]},
    )


def freshness(inputs: CheckInputs) -> Finding:
    """Few sessions have closed since the newest bar."""
    newest = inputs.days[-1]
    behind = inputs.calendar.count(newest, inputs.newest_expected)
    return Finding(
        "freshness",
        behind < inputs.stale_after,
        "WARNING",
        f"{inputs.ticker}: the newest price is of {newest}, {behind} sessions behind "
        f"{inputs.newest_expected}.",
        {"sessions": behind},
    )


def known_inputs(inputs: CheckInputs) -> Finding:
    """Every model input is known at the newest bar."""
    missing = inputs.missing_inputs
    return Finding(
        "model_inputs",
        not missing,
        "WARNING",
        f"{inputs.ticker}: {len(missing)} of {inputs.model_inputs} model inputs are unknown at the "
        f"newest bar ({', '.join(missing[:3])}{', …' if len(missing) > 3 else ''}): zero is "
        "forecast there.",
        {"missing": list(missing)},
    )


CHECKS: tuple[Callable[[CheckInputs], Finding], ...] = (
    enough_rows,
    finite_values,
    few_gaps,
    right_instrument,
    recent_sessions,
    freshness,
    known_inputs,
)
