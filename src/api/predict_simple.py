"""The prediction API: ``uvicorn src.api.predict_simple:app``.

Importing this reads nothing and opens nothing; the settings are read when the server starts.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import gc
from collections.abc import AsyncIterator

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from prometheus_client import disable_created_metrics

from src.api import openapi
from src.api.database.change_poller import Watch
from src.api.database.reader import PATIENCE_AT_START, Reader
from src.api.forecasts.cache import Cache
from src.api.forecasts.loader import Loader
from src.api.forecasts.service import Desk
from src.api.middleware.front import PAGE_PARTS, Front
from src.api.observability.health import HORIZONS
from src.api.observability.metrics import Metrics, State
from src.api.prediction_log.spool import FOLDER, Journal, database_name
from src.api.prediction_log.writer import Logbook
from src.api.routes import forecasts, operations
from src.api.routes.forecasts import known_ticker
from src.api.schemas import errors
from src.config import clock, logs
from src.config.load import load_settings
from src.config.settings import Settings
from src.config.version import VERSION
from src.core.errors import ForecastError
from src.db.reconnect import Reconnector
from src.db.tables import live_inputs
from src.registry.storage.artifact_store import ArtifactStore

DESCRIPTION = (
    "Forecasts of share prices that say how sure they are, and whether they ever beat doing "
    "nothing. Returns are simple, .01 = one percent; dates are sessions of the exchange; prices "
    "are split-adjusted. Without something true to answer, the answer is an error."
)


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open what the routes stand on, and close it in the end."""
    settings = load_settings()
    logs.configure(settings.home, settings.log_level)
    app.state.api, app.state.metrics = settings.api, Metrics()
    app.state.ticker = known_ticker(settings.data.ticker)
    link = Reconnector(settings.server, settings.home)
    app.state.desk = desk = _desk(settings, link)
    app.state.metrics.registry.register(State(desk))
    desk.watch.start()
    desk.logbook.start()
    await _warm(desk, app.state.ticker)
    # What the start has made stays: looking through it for garbage holds up answers for 30 ms.
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        await asyncio.to_thread(_close, desk, link)


def _desk(settings: Settings, link: Reconnector) -> Desk:
    cache, loop = Cache(), asyncio.get_running_loop()
    journal = Journal(settings.home / FOLDER, database_name(settings.server))

    def now() -> dt.datetime:
        return clock.now(settings)

    def changed(ticker: str | None) -> None:
        work = cache.outdate_all if ticker is None else lambda: cache.outdate(ticker)
        with contextlib.suppress(RuntimeError):  # the loop may have ended before the thread
            loop.call_soon_threadsafe(work)

    return Desk(
        cache=cache,
        reader=Reader(link),
        loader=Loader(ArtifactStore.of(settings)),
        watch=Watch(link, changed),
        logbook=Logbook(link, journal, settings.api.log_queue, now),
        now=now,
        stale_after=settings.data.stale_after_sessions,
    )


async def _warm(desk: Desk, ticker: str) -> None:
    """Read the configured ticker's forecasts; what is in the way is told when they are asked."""
    with contextlib.suppress(ForecastError):
        await desk.reader.run(live_inputs.fingerprint, PATIENCE_AT_START)
        for horizon in HORIZONS:
            await desk.forecast((ticker, horizon))


def _close(desk: Desk, link: Reconnector) -> None:
    desk.logbook.stop()
    desk.watch.stop()
    desk.reader.close()
    link.close()


def create() -> FastAPI:
    """Make the application."""
    disable_created_metrics()  # type: ignore[no-untyped-call] # the package has no types here
    # The page's own scripts come with it: there may be no network, and none is to be trusted.
    app = FastAPIOffline(
        title="tcsns-forecast",
        version=VERSION,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url="/docs",
        redoc_url=None,
        static_url=PAGE_PARTS,
    )
    # Put in one by one, and first: every request looks through what comes before its route.
    app.router.routes[:0] = [*forecasts.router.routes, *operations.router.routes]
    errors.install(app)
    openapi.install(app)
    app.add_middleware(Front)
    return app


app = create()
