"""One run of the pipeline: its stages in order, its results and metrics, its line in the log."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from src.config import logs
from src.config.load import config_hash
from src.core.errors import DatabaseUnavailable, ForecastError
from src.db.connection import one_sentence_errors
from src.stages.cli import unexpected_error
from src.stages.context import make_context
from src.stages.stage import RunContext, Stage, run_stage

if TYPE_CHECKING:
    from mlops.run_folder import RunFolder
    from src.config.settings import Settings
    from src.data.sources.delivery import Source
    from src.db.database import Database
    from src.db.tables.runs import RunLog
    from src.registry.lifecycle.live_models import LiveModels

log = logs.get(__name__)


class Interrupted(ForecastError):
    """The run was interrupted: what its finished stages wrote stands, the rest was undone."""


@dataclass
class Run:
    """What a run was asked for, and what has come of it so far."""

    settings: Settings
    ticker: str
    source: Source | None
    as_of: dt.date | None
    known_at: dt.datetime | None
    live: bool
    now: dt.datetime
    folder: RunFolder
    progress: Callable[[str], None]
    results: dict[str, Any] = field(init=False)
    metrics: list[dict[str, Any]] = field(default_factory=list)
    _url: str = field(init=False, default="")

    def __post_init__(self) -> None:
        self.results = {
            "pipeline_id": self.folder.run_id,
            "ticker": self.ticker,
            "timestamp": self.now.isoformat(timespec="seconds"),
            "status": "running",
            "live": self.live,
            "as_of": _iso(self.as_of),
            "known_at": _iso(self.known_at),
            "stages": {},
            "forecasts": [],
            "outcomes": {},
            "warnings": [],
            "data_hash": None,
            "config_hash": config_hash(self.settings),
            "total_duration_seconds": 0.0,
        }

    def execute(self, *, skip_training: bool) -> dict[str, Any]:
        """Run the stages; whatever happens, the run folder tells how it ended."""
        started = time.perf_counter()
        try:
            self._in_database(skip_training)
            self.results["status"] = "success"
        except Exception as error:
            self._fail(error)
        except BaseException:
            self._fail(Interrupted())
            raise
        finally:
            self.results["total_duration_seconds"] = time.perf_counter() - started
            self.folder.write("metrics.json", self.metrics)
            self.folder.write("results.json", self.results)
        return self.results

    def _in_database(self, skip_training: bool) -> None:
        from src.db.database import open_database
        from src.db.tables.runs import RunLog, application_name, ticker_locks

        name = application_name(self.folder.run_id)
        with (
            open_database(self.settings.server, self.settings.home, name) as database,
            ticker_locks(database.control, [self.ticker]),
            self._logged(RunLog(database.control, self.folder.run_id)) as run_log,
            one_sentence_errors(database.url),
        ):
            self._stages(database, run_log, skip_training)

    @contextmanager
    def _logged(self, run_log: RunLog) -> Iterator[RunLog]:
        run_log.started(self.ticker, command="pipeline", live=self.live, at=self.now)
        try:
            yield run_log
        except Exception as error:
            self._fail(error)
            if not isinstance(error, DatabaseUnavailable):
                run_log.finished(self.results, dt.datetime.now(dt.UTC))
            raise
        except BaseException:
            run_log.reset_connection()
            told = {**self.results, "status": "interrupted", "error": str(Interrupted())}
            run_log.finished(told, dt.datetime.now(dt.UTC))
            raise
        done = {**self.results, "status": "success"}
        run_log.finished(done, dt.datetime.now(dt.UTC))

    def _stages(self, database: Database, run_log: RunLog, skip_training: bool) -> None:
        from src.db.tables.records import open_records

        self._url = database.url
        context = make_context(
            self.settings,
            database.store,
            (self.ticker,),
            run_id=self.folder.run_id,
            now=self.now,
            as_of=self.as_of,
            known_at=self.known_at,
            models=self._models(database),
            records=open_records(database.control),
        )
        for stage in self._chosen(skip_training):
            self.progress(stage.name)
            self._stage(stage, context, run_log)
        if skip_training:
            self._forecast_from_stored_models(context)
        self._record_outcomes(context)

    def _models(self, database: Database) -> LiveModels:
        from src.db.tables.model_events import EventLog
        from src.registry.lifecycle.live_models import LiveModels
        from src.registry.storage.artifact_store import ArtifactStore

        return LiveModels(ArtifactStore.of(self.settings), EventLog(database.control))

    def _chosen(self, skip_training: bool) -> list[Stage]:
        from mlops.stages import STAGES
        from src.data.ingest import stage as ingest
        from src.modeling.training import stage as train

        bound = (ingest.stage(self.source), *STAGES[1:])
        return [stage for stage in bound if not (skip_training and stage is train.STAGE)]

    def _stage(self, stage: Stage, context: RunContext, run_log: RunLog) -> None:
        began, started = dt.datetime.now(dt.UTC), time.perf_counter()
        try:
            with one_sentence_errors(self._url):
                report = run_stage(stage, context)
        except Exception as error:
            row = _metric(stage, "failed", 0, began, started, _sentence(error))
            self._note(row, {})
            if not isinstance(error, DatabaseUnavailable):
                run_log.stage_ended(row)
            raise
        row = _metric(stage, "success", report.rows, began, started, None)
        self._note(row, report.details)
        run_log.stage_ended(row)
        for warning in report.warnings:
            self.warn(warning)
        for name, text in report.files.items():
            self.folder.write_text(name, text)

    def _note(self, row: dict[str, Any], details: Mapping[str, Any]) -> None:
        facts = dict(details)
        for name in ("forecasts", "data_hash"):
            self.results[name] = facts.pop(name, self.results[name])
        self.results["stages"][row["stage"]] = {
            "status": row["status"],
            "rows": row["rows_processed"],
            "duration_seconds": row["duration_seconds"],
            **facts,
        }
        self.metrics.append(row)
        seconds, rows = row["duration_seconds"], row["rows_processed"]
        if row["status"] == "success":
            log.info(f"{row['stage']}: {rows:,} rows in {seconds:.2f} s")
        for note in facts.get("notes", ()):
            log.info(note)

    def warn(self, sentence: str) -> None:
        """Put a warning into the results and the log."""
        self.results["warnings"].append(sentence)
        log.warning(sentence)

    def _forecast_from_stored_models(self, context: RunContext) -> None:
        from src.modeling.panel.known_pools import known_pools, pool_hash
        from src.modeling.serving.stored_models import stored_forecasts

        pools = known_pools(context)
        self.results["data_hash"] = pool_hash(pools)
        forecasts, warnings = stored_forecasts(context, self.ticker, pools)
        self.results["forecasts"] = forecasts
        for warning in warnings:
            self.warn(warning)

    def _record_outcomes(self, context: RunContext) -> None:
        from src.modeling.evaluation.outcomes import record_outcomes

        with one_sentence_errors(self._url):
            self.results["outcomes"] = record_outcomes(context)
        # No warning: a session that never traded would be warned of in every run from then on.
        for sentence in self.results["outcomes"].get("notes", ()):
            log.info(sentence)

    def _fail(self, error: Exception) -> None:
        if self.results["status"] == "failed":
            return
        self.results["status"] = "failed"
        self.results["error"] = _sentence(error)
        log.error(_sentence(error), exc_info=error, file_only=True)


def _iso(time: dt.date | None) -> str | None:
    return time.isoformat() if time else None


def _metric(
    stage: Stage,
    status: str,
    rows: int,
    began: dt.datetime,
    started: float,
    error: str | None,
) -> dict[str, Any]:
    """A row of ``metrics.json``."""
    return {
        "timestamp": began.isoformat(timespec="milliseconds"),
        "stage": stage.name,
        "status": status,
        "rows_processed": rows,
        "duration_seconds": time.perf_counter() - started,
        "error_message": error,
    }


def _sentence(error: Exception) -> str:
    return str(error) if isinstance(error, ForecastError) else unexpected_error(error)
