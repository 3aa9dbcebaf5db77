"""Stage: features in, findings out; a failed critical check stops the run before training."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

import polars as pl

from src.core.calendars.calendar import Calendar
from src.core.calendars.exchanges import exchange_of
from src.core.checks import Finding
from src.core.errors import ValidationFailed
from src.core.tables import CLEAN_DAILY, FEATURES_DAILY, QUARANTINE
from src.features.catalogue import features
from src.stages.stage import RunContext, Stage, StageReport

# Measured: genuine files have up to 1.15 % of their rows on days when NSE was closed, those of
# other exchanges 4.5 % and more.
WRONG_INSTRUMENT_SHARE, WRONG_INSTRUMENT_ROWS = 0.02, 5
# A year of sessions: how complete the series is where it matters for the next forecast.
RECENT = 252


@dataclass(frozen=True)
class Evidence:
    """All that the checks of one ticker may look at."""

    ticker: str
    features: pl.DataFrame
    clean: pl.DataFrame
    quarantine: pl.DataFrame
    names: tuple[str, ...]
    calendar: Calendar
    newest_expected: dt.date
    min_rows: int
    max_missing_share: float
    stale_after: int


def run(context: RunContext) -> StageReport:
    """Check every ticker; raises ValidationFailed with the first critical finding."""
    findings = {ticker: check(_evidence(context, ticker)) for ticker in context.tickers}
    failed = [f for found in findings.values() for f in found if not f.passed]
    critical = [f.message for f in failed if f.severity == "CRITICAL"]
    if critical:
        raise ValidationFailed(" ".join(critical))
    return StageReport(
        rows=context.store.load(FEATURES_DAILY, context.tickers, context.as_of).height,
        details={
            "checks": {
                ticker: [asdict(finding) for finding in found] for ticker, found in findings.items()
            }
        },
        warnings=tuple(finding.message for finding in failed),
    )


def check(evidence: Evidence) -> list[Finding]:
    """The findings of every check that applies, in order.

    A check that needs columns or rows is not asked when they are not there.
    """
    columns = has_columns(evidence)
    if not columns.passed:
        return [columns]
    if evidence.features.is_empty():
        return [columns, enough_rows(evidence)]
    found = [columns, *(one(evidence) for one in CHECKS)]
    # The sentences say what is wrong: they have no meaning where nothing is.
    return [replace(one, message="") if one.passed else one for one in found]


def has_columns(e: Evidence) -> Finding:
    """Every feature of the configuration is there, as float64."""
    wrong = [name for name in e.names if e.features.schema.get(name) != pl.Float64]
    listed = ", ".join(wrong)
    return Finding(
        "columns",
        not wrong,
        "CRITICAL",
        f"{e.ticker}: feature columns missing or of a wrong type: {listed}; run "
        "`python -m src.features.features_daily write`.",
    )


def enough_rows(e: Evidence) -> Finding:
    """At least ``min_rows_required`` rows beyond the warm-up."""
    usable = e.features.filter(~pl.col("warm_up")).height
    return Finding(
        "rows",
        usable >= e.min_rows,
        "CRITICAL",
        f"{e.ticker}: {usable} rows of features beyond the warm-up, {e.min_rows} are required "
        "(data.min_rows_required): bring more history.",
        {"rows": usable},
    )


def finite_values(e: Evidence) -> Finding:
    """Nothing infinite or not-a-number among the stored values."""
    values = e.features.select(e.names)
    bad = values.select(pl.all().is_finite().not_().sum()).row(0)
    total = sum(count or 0 for count in bad)
    return Finding(
        "finite", total == 0, "CRITICAL", f"{e.ticker}: {total} feature values are not finite."
    )


def few_gaps(e: Evidence) -> Finding:
    """Rows beyond the warm-up that lack a feature."""
    usable = e.features.filter(~pl.col("warm_up"))
    lacking = usable.filter(pl.any_horizontal(pl.col(n).is_null() for n in e.names)).height
    share = lacking / max(usable.height, 1)
    return Finding(
        "completeness",
        share <= e.max_missing_share,
        "CRITICAL",
        f"{e.ticker}: {lacking} of {usable.height} rows lack a feature ({share:.1%}), "
        f"{e.max_missing_share:.1%} may (validation.max_missing_share).",
        {"rows": lacking, "share": share},
    )


def right_instrument(e: Evidence) -> Finding:
    """Few rows on days when the exchange was closed: otherwise it is another exchange's file."""
    daily = e.quarantine.filter(kind="daily", rule="non_session").height
    share = daily / max(daily + e.clean.height, 1)
    wrong = share > WRONG_INSTRUMENT_SHARE and daily >= WRONG_INSTRUMENT_ROWS
    return Finding(
        "instrument",
        not wrong,
        "CRITICAL",
        f"{e.ticker}: {daily} rows ({share:.1%}) lie on days when {exchange_of(e.ticker).name} was "
        "closed: these look like another exchange's prices; check the file and --ticker.",
        {"rows": daily, "share": share},
    )


def recent_sessions(e: Evidence) -> Finding:
    """Sessions of the last year without a bar."""
    dates = e.clean["date"].to_list()
    expected = e.calendar.sessions(dates[max(len(dates) - RECENT, 0)], dates[-1]) if dates else []
    missing = sorted(set(expected) - set(dates))
    share = len(missing) / max(len(expected), 1)
    return Finding(
        "recent_sessions",
        share <= e.max_missing_share,
        "WARNING",
        f"{e.ticker}: {len(missing)} of the last {len(expected)} sessions have no bar.",
        {"missing": [str(day) for day in missing]},
    )


def freshness(e: Evidence) -> Finding:
    """Sessions that have closed since the newest bar."""
    newest = e.features["date"].max()
    assert isinstance(newest, dt.date)  # noqa: S101 not asked without rows
    behind = e.calendar.count(newest, e.newest_expected)
    return Finding(
        "freshness",
        behind < e.stale_after,
        "WARNING",
        f"{e.ticker}: the newest price is of {newest}, {behind} sessions behind "
        f"{e.newest_expected}.",
        {"sessions": behind},
    )


CHECKS: tuple[Callable[[Evidence], Finding], ...] = (
    enough_rows,
    finite_values,
    few_gaps,
    right_instrument,
    recent_sessions,
    freshness,
)


def _evidence(context: RunContext, ticker: str) -> Evidence:
    settings = context.settings
    closed = context.calendar.last_closed(context.now)
    return Evidence(
        ticker=ticker,
        features=context.store.load(FEATURES_DAILY, [ticker], context.as_of),
        clean=context.store.load(CLEAN_DAILY, [ticker], context.as_of),
        quarantine=context.store.load(QUARANTINE, [ticker]),
        names=tuple(feature.name for feature in features(settings.features)),
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
