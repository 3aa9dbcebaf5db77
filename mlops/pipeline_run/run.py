"""One run of the pipeline: its stages in order, recorded in its folder and in the database."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mlops.mlflow_export.start import start_export
from mlops.pipeline_run.exchange_run import ExchangeRun, Progress, RunReporter
from mlops.pipeline_run.heartbeat import RunHeartbeat
from mlops.pipeline_run.output.record import LOCKED, RunRecord
from src.config import logs
from src.config.load import config_hash
from src.config.memory import peak_memory
from src.core.errors import DatabaseUnavailable, ForecastError, RunLocked, UnwritableFolder
from src.db.connection import one_sentence_errors
from src.stages.context import is_live, make_context
from src.stages.engine.open_engine import open_engine

if TYPE_CHECKING:
    from mlops.pipeline_run.output.folder import RunFolder
    from mlops.pipeline_run.request import RunRequest
    from src.db.database import Database
    from src.db.tables.locks import TickerLocks
    from src.db.tables.runs import RunLog
    from src.stages.engine.engine import Engine
    from src.stages.stage import RunContext

log = logs.get(__name__)


class Interrupted(ForecastError):
    """The run was interrupted: what its finished stages wrote stands, the rest was undone."""


def run_pipeline(
    request: RunRequest, folder: RunFolder, progress: Progress, *, skip_training: bool
) -> dict[str, Any]:
    """Run the stages; whatever happens, the folder's files say how the run ended.

    With ``skip_training`` the stored models forecast, instead of newly trained ones.

    Returns:
        The content of results.json.
    """
    record = RunRecord(
        folder,
        ticker=request.ticker,
        timestamp=request.now.isoformat(timespec="seconds"),
        live=is_live(request.as_of, request.known_at, request.now, request.calendar()),
        as_of=request.as_of.isoformat() if request.as_of else None,
        known_at=request.known_at.isoformat() if request.known_at else None,
        config_hash=config_hash(request.settings),
    )
    heartbeat = RunHeartbeat(request, folder.run_id, live=record.results["live"])
    started = time.perf_counter()
    try:
        _run_in_database(request, record, heartbeat, progress, skip_training)
    except Exception as error:
        record.fail(error)
    except BaseException:
        record.fail(Interrupted())
        raise
    finally:
        try:
            record.write(time.perf_counter() - started)
        finally:
            heartbeat.ended(record.results)
    if record.results["live"]:
        _record_metrics(request, record.results)
        start_export(request.settings)
    return record.results


def _record_metrics(request: RunRequest, results: dict[str, Any]) -> None:
    """Keep what the run measured; where that cannot be written, the run stands nevertheless."""
    from src.monitoring.metrics.points import MetricsFolder
    from src.monitoring.metrics.run_points import run_points

    try:
        MetricsFolder.of(request.settings).write(run_points(results, peak_memory(), request.now))
    except UnwritableFolder as error:
        log.warning(str(error))


def _run_in_database(
    request: RunRequest,
    record: RunRecord,
    heartbeat: RunHeartbeat,
    progress: Progress,
    skip_training: bool,
) -> None:
    from src.db.database import open_database
    from src.db.tables.runs import RunLog, application_name

    name = application_name(record.folder.run_id)
    with (
        open_database(request.settings.server, request.settings.home, name) as database,
        _logged(RunLog(database.control, record.folder.run_id), request, record) as run_log,
        one_sentence_errors(database.url),
        open_engine(request.settings.engine.workers, request.settings.engine.address) as engine,
    ):
        heartbeat.begins(database)
        reporter = RunReporter(record, run_log, progress)
        _run_exchanges(request, database, engine, reporter, skip_training)
        record.finish()


@contextmanager
def _logged(run_log: RunLog, request: RunRequest, record: RunRecord) -> Iterator[RunLog]:
    """Write the run's line in the database: as it starts, and how it ends."""
    live = record.results["live"]
    run_log.started(request.ticker, command="pipeline", live=live, at=request.now)
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
    run_log.finished(record.results, dt.datetime.now(dt.UTC))


def _run_exchanges(
    request: RunRequest,
    database: Database,
    engine: Engine,
    reporter: RunReporter,
    skip_training: bool,
) -> None:
    """Run exchange after exchange; every ticker's lock is taken before the first of them.

    Raises:
        RunLocked: Another run works on the one ticker of this run.
    """
    from src.data.sources.pace import keep_pace
    from src.db.tables.locks import TickerLocks
    from src.db.tables.prepared import PreparedTickers

    prepared, locks = PreparedTickers(database.control), TickerLocks(database.control)
    try:
        exchanges = []
        reporter.record.results["left_out"] = request.left_out(prepared)
        for tickers, source in request.groups(prepared, database.store, engine):
            keep_pace(source, database, request.settings, reporter.waits)
            run_id = reporter.record.folder.run_id
            context = _make_context(request, database, engine, tickers, run_id)
            free = _lock(locks, reporter.record, context)
            exchanges.append((context, free, source))
            reporter.total += len(free)
        tickers_of_run = {ticker for context, _, _ in exchanges for ticker in context.tickers}
        states = prepared.untraded_tickers()
        reporter.record.results["states"] = {
            ticker: states[ticker] for ticker in sorted(tickers_of_run & states.keys())
        }
        for context, free, source in exchanges:
            part = ExchangeRun(context, database, prepared, locks, reporter)
            part.run(free, source, skip_training=skip_training)
    finally:
        locks.release()


def _lock(locks: TickerLocks, record: RunRecord, context: RunContext) -> list[str]:
    """The tickers that no other run works on, locked if the run may write."""
    taken = locks.take(context.tickers) if context.live else {}
    for ticker, sentence in taken.items():
        record.set_ticker(ticker, LOCKED, error=sentence)
        if record.is_single:
            raise RunLocked(sentence)
    return [ticker for ticker in context.tickers if ticker not in taken]


def _make_context(
    request: RunRequest,
    database: Database,
    engine: Engine,
    tickers: tuple[str, ...],
    run_id: str,
) -> RunContext:
    from src.db.tables.model_events import EventLog
    from src.db.tables.records import open_records
    from src.registry.lifecycle.live_models import LiveModels
    from src.registry.storage.artifact_store import ArtifactStore

    store = ArtifactStore.of(request.settings)
    return make_context(
        request.settings,
        database.store,
        tickers,
        run_id=run_id,
        now=request.now,
        as_of=request.as_of,
        known_at=request.known_at,
        models=LiveModels(store, EventLog(database.control)),
        records=open_records(database.control),
        engine=engine,
    )
