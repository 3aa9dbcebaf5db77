"""The desk on a database, with nobody who listens: what is kept is true all the same."""

import asyncio
import datetime as dt

import orjson
import pytest

from src.api.database.change_poller import Watch
from src.api.database.lookout import EVERY
from src.api.database.reader import Reader
from src.api.forecasts.cache import Cache
from src.api.forecasts.loader import Loader
from src.api.forecasts.service import Desk
from src.api.prediction_log.spool import Journal
from src.api.prediction_log.writer import Logbook
from src.db.reconnect import Reconnector
from src.registry.storage.artifact_store import ArtifactStore
from tests.support.answers import put_inputs, put_live
from tests.support.models import both, made

NOW = dt.datetime(2026, 4, 13, 12, 30, tzinfo=dt.UTC)
PAIR = ("TCS.NS", "short")


@pytest.fixture
def deaf(database_url, home, models):
    """A desk whose watch was never started."""
    link = Reconnector(database_url, home)
    desk = Desk(
        cache=Cache(),
        reader=Reader(link),
        loader=Loader(ArtifactStore(models)),
        watch=Watch(link, lambda ticker: None),
        logbook=Logbook(link, Journal(home, "here"), 10, lambda: NOW),
        now=lambda: NOW,
        stale_after=1,
    )
    yield desk
    desk.reader.close()


async def close_of(desk):
    body, _ = await desk.answer(PAIR)
    return orjson.loads(body)["last_close"]


def test_sees_by_itself_what_has_changed(deaf, connection, models):
    (live,) = put_live(connection, models, [made()])

    async def story():
        before = await close_of(deaf)
        put_inputs(connection, live, last_close=3100.0)
        await asyncio.sleep(EVERY + 0.05)
        return before, await close_of(deaf)

    assert asyncio.run(story()) == (3000.0, 3100.0)


def test_reads_nothing_anew_while_nothing_has_changed(deaf, connection, models):
    put_live(connection, models, both())

    async def story():
        for _ in range(3):
            await close_of(deaf)
            await asyncio.sleep(EVERY + 0.05)

    asyncio.run(story())
    assert deaf.served == {"miss": 1, "hit": 2}


def test_many_who_ask_at_once_are_answered_by_one_reading(deaf, connection, models):
    put_live(connection, models, [made()])

    async def story():
        await deaf.lookout.look(patience=3)
        answers = await asyncio.gather(*(deaf.answer(PAIR) for _ in range(30)))
        return {id(kept) for _, kept in answers}

    assert len(asyncio.run(story())) == 1


def test_a_forecast_is_offered_to_the_log_once(deaf, connection, models):
    put_live(connection, models, [made()])

    async def story():
        for _ in range(5):
            await deaf.answer(PAIR)

    asyncio.run(story())
    assert deaf.logbook.backlog == 1
