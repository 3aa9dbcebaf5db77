"""Check the features of each ticker before training; a critical finding stops the run."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from src.core.errors import ValidationFailed, WrongInstrument
from src.core.tables import FEATURE_SERIES, FEATURES_DAILY, POOL_MEMBERS, QUARANTINE
from src.features.catalogue import features, time_series_features
from src.features.checks import INSTRUMENT, RECENT, CheckInputs, Finding, check
from src.features.feature_series import known_series
from src.features.members import ticker_slices
from src.stages.stage import RunContext, Stage, StageReport

# Sessions without a bar that may be among those that are read.
MISSING = 40


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
        rows=sum(inputs.rows for inputs in checked.values()),
        details={
            "checks": {
                ticker: [dict(vars(finding)) for finding in of_ticker]
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


@dataclass(frozen=True)
class _Stored:
    """What is stored of the context's tickers, by ticker; see ``CheckInputs``."""

    wrong: tuple[str, ...]
    counts: Mapping[str, Mapping[str, Any]]
    days: Mapping[str, Sequence[dt.date]]
    missing_inputs: Mapping[str, tuple[str, ...]]


def _read(context: RunContext) -> _Stored:
    """Count in the tables; only the newest rows and the days of the last year are read."""
    store, tickers = context.store, context.tickers
    stored = store.load(POOL_MEMBERS, tickers).iter_rows(named=True)
    members = {row["ticker"]: row for row in stored}
    oldest = min((row["newest_session"] for row in members.values()), default=None)
    newest = store.load(FEATURES_DAILY, tickers, context.as_of, since=oldest)
    names = [feature.name for feature in features(context.settings.features)]
    wrong = tuple(name for name in names if newest.schema.get(name) != pl.Float64)
    if wrong:
        return _Stored(wrong, {}, {}, {})
    counts, days = _counts(context, names, members), _days(context, members)
    lacks_days = [t for t, row in counts.items() if len(days.get(t, ())) < min(RECENT, row["rows"])]
    if lacks_days:
        counted = store.count_lacking(FEATURES_DAILY, lacks_days, names, RECENT, context.as_of)
        days |= _days_since(context, lacks_days, min(counted["recent"]))
    return _Stored(
        wrong,
        counts,
        days,
        {
            ticker: missing_inputs(newest["inputs"][where.stop - 1])
            for ticker, where in ticker_slices(newest)
        },
    )


def _counts(
    context: RunContext, names: Sequence[str], members: Mapping[str, Mapping[str, Any]]
) -> dict[str, Mapping[str, Any]]:
    """What the rows of each ticker lack: as it is kept, or counted where it is not."""
    counts = known_series(context, members)
    others = [ticker for ticker in context.tickers if ticker not in counts]
    if others:
        rows = context.store.count_lacking(FEATURES_DAILY, others, names, RECENT, context.as_of)
        counts |= {row["ticker"]: row for row in rows.iter_rows(named=True)}
    return counts


def _days(
    context: RunContext, members: Mapping[str, Mapping[str, Any]]
) -> dict[str, list[dt.date]]:
    """The days of the newest ``RECENT`` rows, of tickers that lack few sessions among them."""
    sessions = context.calendar.array
    oldest = min((row["newest_session"] for row in members.values()), default=None)
    if oldest is None:
        return {}
    oldest = oldest if context.as_of is None else min(oldest, context.as_of)
    end = int(sessions.searchsorted(np.datetime64(oldest, "D"), side="right"))
    first = sessions[max(end - RECENT - MISSING, 0)].item()
    return _days_since(context, context.tickers, first)


def _days_since(
    context: RunContext, tickers: Sequence[str], since: dt.date
) -> dict[str, list[dt.date]]:
    columns = ("ticker", "date")
    dated = context.store.load(FEATURES_DAILY, tickers, context.as_of, columns, since=since)
    return {t: dated["date"][where].tail(RECENT).to_list() for t, where in ticker_slices(dated)}


def missing_inputs(inputs: pl.Series) -> tuple[str, ...]:
    """Names of the model inputs that are no finite number."""
    known = np.isfinite(inputs.to_numpy())
    pairs = zip(time_series_features(), known, strict=False)
    return tuple(feature.name for feature, is_known in pairs if not is_known)


def _check_inputs(context: RunContext) -> Iterator[CheckInputs]:
    settings, stored = context.settings, _read(context)
    closed = context.calendar.last_closed(context.now)
    quarantine = context.store.load(
        QUARANTINE, context.tickers, columns=("ticker", "kind", "rule")
    ).filter(kind="daily")
    refused = Counter(quarantine["ticker"])
    on_closed_days = Counter(quarantine.filter(rule="non_session")["ticker"])
    for ticker in context.tickers:
        counts = stored.counts.get(ticker, {})
        yield CheckInputs(
            ticker=ticker,
            wrong=stored.wrong,
            rows=counts.get("rows", 0),
            usable=counts.get("usable", 0),
            lacking=counts.get("lacking", 0),
            not_finite=counts.get("not_finite", 0),
            days=tuple(stored.days.get(ticker, ())),
            missing_inputs=stored.missing_inputs.get(ticker, ()),
            model_inputs=len(time_series_features()),
            refused=refused[ticker],
            on_closed_days=on_closed_days[ticker],
            calendar=context.calendar,
            newest_expected=closed if context.as_of is None else min(closed, context.as_of),
            min_rows=settings.data.min_rows_required,
            max_missing_share=settings.validation.max_missing_share,
            stale_after=settings.data.stale_after_sessions,
        )


STAGE = Stage(
    name="validation",
    summary="Check the features before a model may see them.",
    reads=(FEATURES_DAILY, FEATURE_SERIES, POOL_MEMBERS, QUARANTINE),
    writes=(),
    run=run,
)
