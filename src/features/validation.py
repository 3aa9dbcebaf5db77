"""Check the features of each ticker before training; a critical finding stops the run.

Critical are the guide's columns, types and values that are not finite. A missing model input is a
warning: zero is forecast there.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import polars as pl

from src.core.calendars.calendar import Calendar
from src.core.calendars.closed_days import are_from_another_exchange, closed_days_message
from src.core.errors import ValidationFailed, WrongInstrument
from src.core.tables import CLEAN_DAILY, FEATURES_DAILY, QUARANTINE
from src.features.catalogue import features, time_series_features
from src.stages.stage import RunContext, Stage, StageReport

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
        names: Of the configured features.
        inputs: Of the elements of the column ``inputs``.
    """

    ticker: str
    features: pl.DataFrame
    clean: pl.DataFrame
    quarantine: pl.DataFrame
    names: tuple[str, ...]
    inputs: tuple[str, ...]
    calendar: Calendar
    newest_expected: dt.date
    min_rows: int
    max_missing_share: float
    stale_after: int


def run(context: RunContext) -> StageReport:
    """Check every ticker.

    Raises:
        WrongInstrument: The rows of a ticker are of another exchange.
        ValidationFailed: With the other critical findings. Either has the error of each ticker.
    """
    checked = {inputs.ticker: inputs for inputs in _check_inputs(context)}
    findings = {ticker: check(inputs) for ticker, inputs in checked.items()}
    _raise_critical(findings)
    return StageReport(
        rows=sum(inputs.features.height for inputs in checked.values()),
        details={
            "checks": {
                ticker: [asdict(finding) for finding in of_ticker]
                for ticker, of_ticker in findings.items()
            }
        },
        warnings=tuple(
            finding.message
            for of_ticker in findings.values()
            for finding in of_ticker
            if not finding.passed
        ),
    )


def _raise_critical(findings: Mapping[str, Sequence[Finding]]) -> None:
    """Raise one error for all tickers with a critical finding, which says whose they are."""
    errors = {}
    for ticker, of_ticker in findings.items():
        critical = [each for each in of_ticker if not each.passed and each.severity == "CRITICAL"]
        if critical:
            is_wrong = any(finding.check == INSTRUMENT for finding in critical)
            error = WrongInstrument if is_wrong else ValidationFailed
            errors[ticker] = error(" ".join(finding.message for finding in critical))
    if errors:
        is_wrong = any(isinstance(each, WrongInstrument) for each in errors.values())
        error = WrongInstrument if is_wrong else ValidationFailed
        raise error(" ".join(str(each) for each in errors.values()), errors)


def check(inputs: CheckInputs) -> list[Finding]:
    """The findings of every check that applies, in order.

    A check that needs columns or rows is left out where there are none.
    """
    columns = has_columns(inputs)
    if not columns.passed:
        return [columns]
    if inputs.features.is_empty():
        return [columns, enough_rows(inputs)]
    findings = [columns, *(each(inputs) for each in CHECKS)]
    # The messages describe failures: a passed check has none.
    return [replace(finding, message="") if finding.passed else finding for finding in findings]


def has_columns(inputs: CheckInputs) -> Finding:
    """Every configured feature is a column of type float64."""
    wrong = [name for name in inputs.names if inputs.features.schema.get(name) != pl.Float64]
    listed = ", ".join(wrong)
    return Finding(
        "columns",
        not wrong,
        "CRITICAL",
        f"{inputs.ticker}: feature columns missing or of a wrong type: {listed}; run "
        "`python -m src.features.features_daily write`.",
    )


def enough_rows(inputs: CheckInputs) -> Finding:
    """At least ``min_rows_required`` rows lie beyond the warm-up."""
    usable = inputs.features.filter(~pl.col("warm_up")).height
    message = (
        f"{inputs.ticker}: {usable} rows of features beyond the warm-up, "
        f"{inputs.min_rows} are required (data.min_rows_required): ingest more history."
    )
    if inputs.clean.is_empty():
        message = f"{inputs.ticker}: {_why_no_daily_bars(inputs)}"
    return Finding("rows", usable >= inputs.min_rows, "CRITICAL", message, {"rows": usable})


def _why_no_daily_bars(inputs: CheckInputs) -> str:
    refused = inputs.quarantine.filter(kind="daily").height
    if refused:
        return (
            f"all {refused} daily bars were set aside in quarantine: "
            "`python -m src.data.report` says why."
        )
    return "there are no daily bars, and hourly ones alone are not enough: ingest daily prices."


def finite_values(inputs: CheckInputs) -> Finding:
    """No stored value is infinite or not a number."""
    values = inputs.features.select(inputs.names)
    bad = values.select(pl.all().is_finite().not_().sum()).row(0)
    total = sum(count or 0 for count in bad)
    return Finding(
        "finite", total == 0, "CRITICAL", f"{inputs.ticker}: {total} feature values are not finite."
    )


def few_gaps(inputs: CheckInputs) -> Finding:
    """Few rows beyond the warm-up lack a feature."""
    usable = inputs.features.filter(~pl.col("warm_up"))
    lacking = usable.filter(pl.any_horizontal(pl.col(n).is_null() for n in inputs.names)).height
    share = lacking / max(usable.height, 1)
    return Finding(
        "completeness",
        share <= inputs.max_missing_share,
        "CRITICAL",
        f"{inputs.ticker}: {lacking} of {usable.height} rows lack a feature ({share:.1%}), "
        f"at most {inputs.max_missing_share:.1%} may (validation.max_missing_share).",
        {"rows": lacking, "share": share},
    )


def right_instrument(inputs: CheckInputs) -> Finding:
    """Few rows lie on days when the exchange was closed."""
    daily = inputs.quarantine.filter(kind="daily", rule="non_session").height
    rows = daily + inputs.clean.height
    return Finding(
        INSTRUMENT,
        not are_from_another_exchange(daily, rows),
        "CRITICAL",
        f"{inputs.ticker}: {closed_days_message(inputs.ticker, daily, rows)}",
        {"rows": daily, "share": daily / max(rows, 1)},
    )


def recent_sessions(inputs: CheckInputs) -> Finding:
    """Few sessions of the last year have no bar."""
    dates = inputs.clean["date"].to_list()
    expected = (
        inputs.calendar.sessions(dates[max(len(dates) - RECENT, 0)], dates[-1]) if dates else []
    )
    missing = sorted(set(expected) - set(dates))
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
    newest = inputs.features["date"].max()
    assert isinstance(newest, dt.date)  # noqa: S101 there are rows
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
    newest = inputs.features["inputs"][-1]
    missing = [
        name
        for name, value in zip(inputs.inputs, newest, strict=False)
        if value is None or not math.isfinite(value)
    ]
    return Finding(
        "model_inputs",
        not missing,
        "WARNING",
        f"{inputs.ticker}: {len(missing)} of {len(inputs.inputs)} model inputs are unknown at the "
        f"newest bar ({', '.join(missing[:3])}{', …' if len(missing) > 3 else ''}): zero is "
        "forecast there.",
        {"missing": missing},
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


def _check_inputs(context: RunContext) -> Iterator[CheckInputs]:
    settings, store = context.settings, context.store
    closed = context.calendar.last_closed(context.now)
    features_daily = store.load(FEATURES_DAILY, context.tickers, context.as_of)
    clean = store.load(CLEAN_DAILY, context.tickers, context.as_of, ("ticker", "date"))
    quarantine = store.load(QUARANTINE, context.tickers, columns=("ticker", "kind", "rule"))
    for ticker in context.tickers:
        yield CheckInputs(
            ticker=ticker,
            features=features_daily.filter(ticker=ticker),
            clean=clean.filter(ticker=ticker),
            quarantine=quarantine.filter(ticker=ticker),
            names=tuple(feature.name for feature in features(settings.features)),
            inputs=tuple(feature.name for feature in time_series_features()),
            calendar=context.calendar,
            newest_expected=closed if context.as_of is None else min(closed, context.as_of),
            min_rows=settings.data.min_rows_required,
            max_missing_share=settings.validation.max_missing_share,
            stale_after=settings.data.stale_after_sessions,
        )


STAGE = Stage(
    name="validation",
    summary="Check the features before a model may see them.",
    reads=(FEATURES_DAILY, CLEAN_DAILY, QUARANTINE),
    writes=(),
    run=run,
)
