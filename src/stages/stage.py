"""The one shape of a pipeline stage: what it reads, what it writes, and how it reports."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from src.core.tables import Table

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.core.calendars.calendar import Calendar
    from src.db.store import Store
    from src.db.tables.records import Records
    from src.registry.lifecycle.live_models import LiveModels


@dataclass(frozen=True)
class RunContext:
    """All that a stage may know. ``now`` is aware; ``as_of`` is the last session it may use.

    ``as_of`` is None for a live run. With ``known_at`` only what had been fetched by then may be
    used, and ``now`` is that time. The store keeps changes aside when nothing may be written.
    ``models`` are those that answer, for a run that may replace or ask them; ``records`` are what
    such a run leaves behind of its answers.
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


@dataclass(frozen=True)
class StageReport:
    """How a stage went: rows written, facts for ``results.json``, warnings in sentences.

    ``files`` are texts for the run's folder, by name.
    """

    rows: int
    details: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    tickers: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)


def together(reports: Sequence[StageReport]) -> StageReport:
    """One report of several groups of tickers: numbers are added, lists put one after another."""
    details: dict[str, Any] = {}
    for report in reports:
        for name, value in report.details.items():
            details[name] = _added(details[name], value) if name in details else value
    return StageReport(
        rows=sum(report.rows for report in reports),
        details=details,
        warnings=tuple(warning for report in reports for warning in report.warnings),
        files={name: text for report in reports for name, text in report.files.items()},
    )


def _added(one: Any, other: Any) -> Any:
    if isinstance(one, dict):
        return {name: one.get(name, 0) + other.get(name, 0) for name in {**one, **other}}
    if isinstance(one, list):
        return [*one, *(value for value in other if value not in one)]
    return one + other


@dataclass(frozen=True)
class Stage:
    """One step of the pipeline."""

    name: str
    summary: str
    reads: tuple[Table, ...]
    writes: tuple[Table, ...]
    run: Callable[[RunContext], StageReport]


def run_stage(stage: Stage, context: RunContext) -> StageReport:
    """Run a stage with all its writes in one transaction."""
    with context.store.transaction():
        return stage.run(context)
