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
from src.db.tables.model_events import EventLog
from src.registry.lifecycle.publish import publish
from src.registry.storage.artifact_store import ArtifactStore
from tests.support.answers import INPUTS, QUANTILES, at, put_inputs, put_live
from tests.support.models import both_horizons, make_artifact, winner

NOW = dt.datetime(2026, 4, 13, 12, 30, tzinfo=dt.UTC)
PAIR = ("TCS.NS", "short")


@pytest.fixture
def service(database_url, home, models):
    """A service whose poller has not been started."""
    reconnector = Reconnector(database_url, home)

    def update(splits):
        service.update(splits)

    service = ForecastService(
        cache=Cache(),
        reader=Reader(reconnector),
        loader=Loader(ArtifactStore(models)),
        poller=ChangePoller(reconnector, update),
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


CHANGES = (
    {"last_close": 3100.0},
    {"inputs": {**INPUTS, "mom_5": 0.021}},
    {"inputs": {"mom_5": 0.02}},
    {"quantiles": [value + 0.001 for value in QUANTILES]},
    {"levels": [], "quantiles": []},
    {"metrics": [{"name": "ridge", "n": 480, "n_eff": 479.0, "skill_vs_zero": 0.0}]},
    {"note": "why zero answers"},
    {"feature_date": dt.date(2026, 4, 10)},
    {"data_source": "nse"},
    {"return_basis": "price"},
    {"data_hash": "f" * 64},
)


def test_whatever_of_its_inputs_changes_the_next_answer_is_made_anew(service, connection, models):
    put_live(connection, models, [winner()])

    async def read_again():
        service.cache.invalidate()
        return (await service.look_up(PAIR)).entry

    async def story():
        bodies = [(await service.look_up(PAIR)).entry.body]
        for change in CHANGES:
            put_inputs(connection, *PAIR, **change)
            bodies.append((await read_again()).body)
            service.cache.drop(PAIR)
            assert (await read_again()).body == bodies[-1]
        publish(ArtifactStore(models), EventLog(connection), [winner(trials=4)], at(1))
        bodies.append((await read_again()).body)
        return bodies

    bodies = asyncio.run(story())
    assert len(set(bodies)) == len(CHANGES) + 2


def test_a_forecast_is_computed_once_while_only_others_change(service, connection, models):
    put_live(connection, models, [winner()], tickers=["TCS.NS", "INFY.NS"])

    async def story():
        before = (await service.look_up(PAIR)).entry
        put_inputs(connection, "INFY.NS", "short", last_close=1500.0)
        service.cache.invalidate()
        return before, (await service.look_up(PAIR)).entry

    before, after = asyncio.run(story())
    assert after is not before
    assert not after.outdated
    assert (after.forecast, after.body) == (before.forecast, before.body)
