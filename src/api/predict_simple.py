"""The prediction API: ``uvicorn src.api.predict_simple:app``.

Importing this reads and opens nothing; the settings are read when the server starts.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import gc
import multiprocessing
from collections.abc import AsyncIterator, Sequence

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from prometheus_client import disable_created_metrics

from src.api import openapi
from src.api.database.change_poller import ChangePoller
from src.api.database.reader import Reader
from src.api.database.score_cache import ScoreCache
from src.api.forecasts.cache import Cache
from src.api.forecasts.loader import Loader
from src.api.forecasts.service import ForecastService
from src.api.middleware import error_handlers
from src.api.middleware.access_policy import DOCS_ASSETS
from src.api.middleware.request_middleware import RequestMiddleware
from src.api.observability.metrics import Metrics, ServiceCollector
from src.api.observability.recorder import MetricsRecorder
from src.api.prediction_log.dead_letters import DeadLetters
from src.api.prediction_log.spool import FOLDER, Spool, database_name
from src.api.prediction_log.writer import PredictionLog
from src.api.routes import forecasts, operations, trials
from src.api.routes.ticker_parameter import parse_ticker
from src.config import clock, logs
from src.config.load import load_settings
from src.config.settings import Settings
from src.config.version import VERSION
from src.core.errors import ForecastError, UsageError
from src.core.tables import HORIZONS
from src.core.traffic_split import TrafficSplit
from src.db.reconnect import Reconnector
from src.monitoring.metrics.points import MetricsFolder
from src.registry.storage.artifact_store import ArtifactStore

DESCRIPTION = (
    "Forecasts of share prices with their uncertainty, and with the evidence whether they beat "
    "a forecast of no change. Returns are simple, .01 = one percent; dates are sessions of the "
    "exchange; prices are split-adjusted. Where no true forecast can be given, the answer is an "
    "error."
)
# Seconds to wait for the database at the start, which may have to start it.
PATIENCE_AT_START = 10.0


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Start the parts of the service, and stop them in the end."""
    _refuse_workers()
    settings = load_settings()
    logs.configure(settings.home, settings.log_level)
    app.state.api, app.state.metrics = settings.api, Metrics()
    app.state.ticker = parse_ticker(settings.data.ticker)
    app.state.store, app.state.horizons = ArtifactStore.of(settings), settings.training.horizons
    reconnector = Reconnector(settings.server, settings.home)
    app.state.service = service = _build_service(settings, reconnector)
    # Over many rows at once, one after the other, so that forecasts never wait for them.
    app.state.reports, app.state.scores = Reader(reconnector, threads=1), ScoreCache()
    app.state.metrics.registry.register(ServiceCollector(service))
    recorder = MetricsRecorder(MetricsFolder.of(settings), app.state.metrics, service.now)
    service.poller.start()
    service.log.start()
    recorder.start()
    await _warm_up(service, app.state.ticker)
    # Objects made at the start live to the end: a collection that walks them takes 30 ms.
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        await asyncio.to_thread(recorder.stop)
        await asyncio.to_thread(_close, service, app.state.reports, reconnector)


def _refuse_workers() -> None:
    """Raise UsageError in one of several processes of one server.

    Each would count requests and limit clients for itself, and answer /metrics in turn.
    """
    # uvicorn passes its configuration to each of them.
    arguments = getattr(multiprocessing.current_process(), "_kwargs", {})
    if getattr(arguments.get("config"), "workers", 1) > 1:
        raise UsageError(
            "The service is one process, which counts and limits requests: start it without "
            "--workers and WEB_CONCURRENCY, and for more load several of it behind a proxy."
        )


def _build_service(settings: Settings, reconnector: Reconnector) -> ForecastService:
    loop = asyncio.get_running_loop()
    folder, database = settings.home / FOLDER, database_name(settings.server)
    spool, dead_letters = Spool(folder, database), DeadLetters(folder, database)

    def now() -> dt.datetime:
        return clock.now(settings)

    def update(splits: Sequence[TrafficSplit]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop may end before the poller's thread
            loop.call_soon_threadsafe(service.update, splits)

    service = ForecastService(
        cache=Cache(),
        reader=Reader(reconnector),
        loader=Loader(ArtifactStore.of(settings)),
        poller=ChangePoller(reconnector, update),
        log=PredictionLog(reconnector, spool, dead_letters, settings.api.log_queue, now),
        now=now,
        stale_after=settings.data.stale_after_sessions,
    )
    return service


async def _warm_up(service: ForecastService, ticker: str) -> None:
    """Read the forecasts of the configured ticker; requests for them report what fails here."""
    if await asyncio.to_thread(service.poller.wait_for_first_poll, PATIENCE_AT_START):
        with contextlib.suppress(ForecastError):
            for horizon in HORIZONS:
                await service.look_up((ticker, horizon))


def _close(service: ForecastService, reports: Reader, reconnector: Reconnector) -> None:
    service.log.stop()
    service.poller.stop()
    service.reader.close()
    reports.close()
    reconnector.close()


def create() -> FastAPI:
    """Create the application."""
    disable_created_metrics()  # type: ignore[no-untyped-call] # the package has no types here
    # The scripts of /docs are served from here: no other site is reached or trusted.
    app = FastAPIOffline(
        title="tcsns-forecast",
        version=VERSION,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url="/docs",
        redoc_url=None,
        static_url=DOCS_ASSETS,
    )
    # Routes are matched in order, so these come before those of the documentation.
    routers = (forecasts.router, operations.router, trials.router)
    app.router.routes[:0] = [route for router in routers for route in router.routes]
    error_handlers.install(app)
    openapi.install(app)
    app.add_middleware(RequestMiddleware)
    return app


app = create()
