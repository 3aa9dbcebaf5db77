"""The one shape of a pipeline stage: the tables it reads and writes, its run, its report."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from src.core.tables import Table
from src.stages.engine.engine import IN_PROCESS, Engine

if TYPE_CHECKING:
    import polars as pl

    from src.config.settings import Settings
    from src.core.calendars.calendar import Calendar
    from src.core.errors import SourceNotAsked
    from src.db.store import Store
    from src.db.tables.records import Records
    from src.registry.lifecycle.live_models import LiveModels


# Tickers that a sentence about many names.
NAMED = 10
# In a warning that tickers were not fetched.
STORED_IS_USED = "what is stored is used"


@dataclass(frozen=True)
class RunContext:
    """Everything that a stage may use.

    Attributes:
        store: Keeps changes in memory when nothing may be written.
        tickers: All of one exchange.
        calendar: Of that exchange.
        now: An aware time; with ``known_at``, that time.
        as_of: The last session that may be used; None for a live run.
        known_at: Only what had been fetched by then may be used.
        live: Whether changes are written.
        models: The models in use, for a run that may replace or read them.
        records: Where such a run stores model inputs, forecasts and outcomes.
        engine: Runs tasks; those of a worker run in its own process.
    """

    store: Store
    tickers: tuple[str, ...]
    settings: Settings
    calendar: Calendar
    now: dt.datetime
    run_id: str
    as_of: dt.date | None = None
    known_at: dt.datetime | None = None
    live: bool = True
    models: LiveModels | None = None
    records: Records | None = None
    engine: Engine = IN_PROCESS


@dataclass(frozen=True)
class StageReport:
    """The result of a stage.

    Attributes:
        rows: Number of rows written.
        details: Facts for ``results.json``.
        warnings: Sentences.
        files: Texts for the run's folder, by name.
        counts: For the table that the command prints: by ticker, numbers by name.
        failures: Sentences about tickers or files of which nothing was stored, beside others.
        failed: Of these the tickers of which nothing new was stored, with the sentence: later
            stages leave them out.
        no_shares: Symbols of which only other securities came: they are no tickers of a run.
    """

    rows: int
    details: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    failures: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    not_fetched: Mapping[str, SourceNotAsked] = field(default_factory=dict)
    no_shares: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stage:
    """One step of the pipeline.

    Attributes:
        run: Called inside the stage's transaction, with the context and, after it, what ``gather``
            returned.
        gather: Called before that transaction begins, for what takes as long as others like: a
            transaction that waits for them would keep its locks.
        legend: What the words above its counts mean.
    """

    name: str
    summary: str
    reads: tuple[Table, ...]
    writes: tuple[Table, ...]
    run: Callable[..., StageReport]
    gather: Callable[[RunContext], Any] | None = None
    legend: str = ""


def run_stage(stage: Stage, context: RunContext) -> StageReport:
    """Run a stage with all its writes in one transaction."""
    gathered = () if stage.gather is None else (stage.gather(context),)
    with context.store.transaction():
        return stage.run(context, *gathered)


def count_by_ticker(tickers: Sequence[str], **frames: pl.DataFrame) -> dict[str, dict[str, int]]:
    """Rows of each frame by ticker, as ``StageReport.counts`` takes them."""
    rows = {name: Counter(frame["ticker"].to_list()) for name, frame in frames.items()}
    return {ticker: {name: rows[name][ticker] for name in rows} for ticker in tickers}


def merge_reports(reports: Sequence[StageReport]) -> StageReport:
    """One report for several groups of tickers.

    Of the details, numbers are added, lists joined (each item once) and mappings merged likewise;
    of other values the first one stands.
    """
    details: dict[str, Any] = {}
    for report in reports:
        details = _merge(details, report.details)
    return StageReport(
        rows=sum(report.rows for report in reports),
        details=details,
        warnings=tuple(warning for report in reports for warning in report.warnings),
        failures=tuple(failure for report in reports for failure in report.failures),
        failed={ticker: why for report in reports for ticker, why in report.failed.items()},
        not_fetched={t: error for report in reports for t, error in report.not_fetched.items()},
        no_shares=tuple(symbol for report in reports for symbol in report.no_shares),
        files={name: text for report in reports for name, text in report.files.items()},
        counts={ticker: row for report in reports for ticker, row in report.counts.items()},
    )


def not_fetched_sentence(tickers: Mapping[str, SourceNotAsked]) -> str:
    """Why tickers of one source were not fetched and when they can be; the last reason stands."""
    *_, error = tickers.values()
    named = ", ".join(list(tickers)[:NAMED])
    more = f" and {len(tickers) - NAMED} more" if len(tickers) > NAMED else ""
    count = "1 ticker was" if len(tickers) == 1 else f"{len(tickers)} tickers were"
    until = f"Until then {count}" if error.resumes_at else count[:1].upper() + count[1:]
    return f"{error}. {until} not fetched, and {STORED_IS_USED}: {named}{more}."


def _merge(first: Any, second: Any) -> Any:
    if isinstance(first, Mapping):
        both = {name: _merge(first[name], second[name]) for name in first if name in second}
        return {**first, **second, **both}
    if isinstance(first, list):
        return first + [item for item in second if item not in first]
    if isinstance(first, (int, float)) and not isinstance(first, bool):
        return first + second
    return first
