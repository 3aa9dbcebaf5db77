"""One run of the pipeline: its stages in order, recorded in its folder and in the database."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlops.run_folder import RunFolder, RunRecord, StageMetric, error_sentence
from src.config import logs
from src.config.load import config_hash
from src.core.errors import DatabaseUnavailable, ForecastError
from src.core.tables import HORIZONS
from src.db.connection import one_sentence_errors
from src.modeling.serving.timeliness import add_date_warnings
from src.stages.context import make_context
from src.stages.stage import RunContext, Stage, run_stage

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.data.sources.delivery import Source
    from src.db.database import Database
    from src.db.tables.runs import RunLog

log = logs.get(__name__)


class Interrupted(ForecastError):
    """The run was interrupted: what its finished stages wrote stands, the rest was undone."""


class NoModelToForecastWith(ForecastError):
    """A run that trains nothing found no model of its ticker."""


@dataclass(frozen=True)
class RunRequest:
    """What a run is to do; see ``RunContext``.

    Attributes:
        source: Where prices come from; None for those that are stored.
        now: When it starts, aware.
    """

    settings: Settings
    ticker: str
    source: Source | None
    as_of: dt.date | None
    known_at: dt.datetime | None
    live: bool
    now: dt.datetime


def run_pipeline(
    request: RunRequest,
    folder: RunFolder,
    progress: Callable[[str], None],
    *,
    skip_training: bool,
) -> dict[str, object]:
    """Run the stages; whatever happens, the folder's files say how the run ended.

    ``progress`` is called with each stage's name as it begins. With ``skip_training`` the stored
    models forecast, instead of newly trained ones.

    Returns:
        The content of results.json.
    """
    record = RunRecord(
        folder,
        ticker=request.ticker,
        timestamp=request.now.isoformat(timespec="seconds"),
        live=request.live,
        as_of=request.as_of.isoformat() if request.as_of else None,
        known_at=request.known_at.isoformat() if request.known_at else None,
        config_hash=config_hash(request.settings),
    )
    started = time.perf_counter()
    try:
        _run_in_database(request, record, progress, skip_training)
        record.results["status"] = "success"
    except Exception as error:
        record.fail(error)
    except BaseException:
        record.fail(Interrupted())
        raise
    finally:
        record.write(time.perf_counter() - started)
    return record.results


def _run_in_database(
    request: RunRequest, record: RunRecord, progress: Callable[[str], None], skip_training: bool
) -> None:
    from src.db.database import open_database
    from src.db.tables.runs import RunLog, application_name, ticker_locks

    name = application_name(record.folder.run_id)
    with (
        open_database(request.settings.server, request.settings.home, name) as database,
        ticker_locks(database.control, [request.ticker] if request.live else []),
        _logged(RunLog(database.control, record.folder.run_id), request, record) as run_log,
        one_sentence_errors(database.url),
    ):
        context = _make_context(request, database, record.folder.run_id)
        for stage in _stages(request.source, skip_training):
            progress(stage.name)
            _run_stage(stage, context, record, run_log, database.url)
        if skip_training:
            _forecast_with_stored_models(context, request.ticker, record)
        _record_outcomes(context, record, database.url)
        forecasts = record.results["forecasts"]
        for warning in add_date_warnings(context, request.ticker, forecasts, live=request.live):
            record.warn(warning)


@contextmanager
def _logged(run_log: RunLog, request: RunRequest, record: RunRecord) -> Iterator[RunLog]:
    """Write the run's line in the database: as it starts, and how it ends."""
    run_log.started(request.ticker, command="pipeline", live=request.live, at=request.now)
    try:
        yield run_log
    except Exception as error:
        record.fail(error)
        if not isinstance(error, DatabaseUnavailable):
            run_log.finished(record.results, dt.datetime.now(dt.UTC))
        raise
    except BaseException:
        run_log.reset_connection()
        ended = {**record.results, "status": "interrupted", "error": str(Interrupted())}
        run_log.finished(ended, dt.datetime.now(dt.UTC))
        raise
    run_log.finished({**record.results, "status": "success"}, dt.datetime.now(dt.UTC))


def _make_context(request: RunRequest, database: Database, run_id: str) -> RunContext:
    from src.db.tables.model_events import EventLog
    from src.db.tables.records import open_records
    from src.registry.lifecycle.live_models import LiveModels
    from src.registry.storage.artifact_store import ArtifactStore

    store = ArtifactStore.of(request.settings)
    return make_context(
        request.settings,
        database.store,
        (request.ticker,),
        run_id=run_id,
        now=request.now,
        as_of=request.as_of,
        known_at=request.known_at,
        models=LiveModels(store, EventLog(database.control)),
        records=open_records(database.control),
    )


def _stages(source: Source | None, skip_training: bool) -> list[Stage]:
    """The stages of a run, the first bound to its source."""
    from mlops.stages import STAGES
    from src.data.ingest import stage as ingest
    from src.modeling.training import stage as training

    stages = [ingest.stage(source), *STAGES[1:]]
    return [stage for stage in stages if not (skip_training and stage is training.STAGE)]


def _run_stage(
    stage: Stage, context: RunContext, record: RunRecord, run_log: RunLog, url: str
) -> None:
    """Run one stage, and record how it went in results, metrics and the database."""
    metric = StageMetric(stage.name)
    try:
        with one_sentence_errors(url):
            report = run_stage(stage, context)
    except Exception as error:
        row = metric.row(0, error_sentence(error))
        record.add_stage(row, {})
        if not isinstance(error, DatabaseUnavailable):
            run_log.stage_ended(row)
        raise
    row = metric.row(report.rows)
    record.add_stage(row, report.details)
    run_log.stage_ended(row)
    for warning in (*report.warnings, *report.failures):
        record.warn(warning)
    for name, text in report.files.items():
        record.folder.write_text(name, text)


def _forecast_with_stored_models(context: RunContext, ticker: str, record: RunRecord) -> None:
    from src.modeling.panel.pools import load_pools, pool_hash
    from src.modeling.serving.stored_models import stored_forecasts

    models = context.models
    if models is not None and not any(models.state(ticker, horizon) for horizon in HORIZONS):
        raise NoModelToForecastWith(
            f"The prices of {ticker} are up to date, but no model has been trained yet: run "
            f"`python -m mlops.pipeline --ticker {ticker}` without --skip-training."
        )
    pools = load_pools(context)
    record.results["data_hash"] = pool_hash(pools)
    record.results["forecasts"], warnings = stored_forecasts(context, ticker, pools)
    for warning in warnings:
        record.warn(warning)


def _record_outcomes(context: RunContext, record: RunRecord, url: str) -> None:
    from src.modeling.evaluation.outcomes import record_outcomes

    with one_sentence_errors(url):
        outcomes = record_outcomes(context)
    record.results["outcomes"] = outcomes
    # No warnings: a session that never traded would cause one in every run from then on.
    for note in outcomes.get("notes", ()):
        log.info(note)
