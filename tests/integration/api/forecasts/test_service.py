"""The forecast service on a database: what it serves from its cache is true."""

import asyncio
import datetime as dt

import orjson
import pytest

from src.api.database.change_poller import INTERVAL, ChangePoller
from src.api.database.reader import Reader
from src.api.forecasts.cache import Cache
from src.api.forecasts.loader import Loader
from src.api.forecasts.service import ForecastService
from src.api.prediction_log.dead_letters import DeadLetters
from src.api.prediction_log.spool import Spool
from src.api.prediction_log.writer import PredictionLog
from src.db.reconnect import Reconnector
from src.registry.storage.artifact_store import ArtifactStore
from tests.support.answers import put_inputs, put_live
from tests.support.models import both_horizons, make_artifact

NOW = dt.datetime(2026, 4, 13, 12, 30, tzinfo=dt.UTC)
PAIR = ("TCS.NS", "short")


@pytest.fixture
def service(database_url, home, models):
    """A service whose poller has not been started."""
    reconnector, cache = Reconnector(database_url, home), Cache()
    service = ForecastService(
        cache=cache,
        reader=Reader(reconnector),
        loader=Loader(ArtifactStore(models)),
        poller=ChangePoller(reconnector, cache.invalidate),
        log=PredictionLog(
            reconnector, Spool(home, "here"), DeadLetters(home, "here"), 10, lambda: NOW
        ),
        now=lambda: NOW,
        stale_after=1,
    )
    yield service
    service.reader.close()


@pytest.fixture
def polling(service):
    """The service with a poller that has polled."""
    service.poller.start()
    assert service.poller.wait_for_first_poll(10)
    yield service
    service.poller.stop()


async def answer(service):
    body, _ = await service.answer(PAIR)
    return orjson.loads(body)


def test_a_change_is_served_after_the_next_poll(polling, connection, models):
    put_live(connection, models, [make_artifact()])

    async def story():
        before = await answer(polling)
        put_inputs(connection, *PAIR, last_close=3100.0)
        await asyncio.sleep(INTERVAL + 0.2)
        return before["last_close"], (await answer(polling))["last_close"]

    assert asyncio.run(story()) == (3000.0, 3100.0)


def test_nothing_is_read_again_while_nothing_has_changed(polling, connection, models):
    put_live(connection, models, both_horizons())

    async def story():
        await asyncio.sleep(INTERVAL + 0.2)
        for _ in range(3):
            await answer(polling)
            await asyncio.sleep(INTERVAL)

    asyncio.run(story())
    assert polling.served == {"miss": 1, "hit": 2}


def test_a_cached_forecast_has_a_warning_while_changes_may_be_missed(service, connection, models):
    put_live(connection, models, [make_artifact()])

    async def story():
        return [await answer(service) for _ in range(2)]

    read, cached = asyncio.run(story())
    assert read["warnings"] == []
    assert "This forecast is the last one read" in cached["warnings"][0]
    assert service.served == {"miss": 1, "stale": 1}


def test_requests_at_the_same_time_share_one_reading(service, connection, models):
    put_live(connection, models, [make_artifact()])

    async def story():
        answers = await asyncio.gather(*(service.answer(PAIR) for _ in range(30)))
        return {id(entry) for _, entry in answers}

    assert len(asyncio.run(story())) == 1


def test_a_forecast_is_offered_to_the_log_once(service, connection, models):
    put_live(connection, models, [make_artifact()])

    async def story():
        for _ in range(5):
            await service.answer(PAIR)

    asyncio.run(story())
    assert service.log.backlog == 1
