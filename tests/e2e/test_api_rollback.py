"""A rollback of a pool under a thousand requests a second: the old answers, then the new ones."""

import asyncio
import datetime as dt
import math
import threading
import time
from dataclasses import dataclass

import orjson
import pytest

from mlops.rollback_inputs import write_inputs
from src.db.database import open_database
from src.db.tables.model_events import EventLog
from src.registry.formats.models import RankTilt
from src.registry.lifecycle.events import Author
from src.registry.lifecycle.live_models import LiveModels
from src.registry.storage.artifact_store import ArtifactStore
from src.registry.versions.archive import VersionArchive
from src.registry.versions.rollback import Registry
from tests.support.answers import at, put_inputs, put_live
from tests.support.models import winner
from tests.support.services import Service, eventually
from tests.support.trees import stump

TICKERS = [f"SHARE{number}.NS" for number in range(40)]
# One in four rises: ranks of the trees of each version, lower and upper.
RANKS = {"v1": (-0.25, 0.125), "v2": (0.5, -0.5)}
VOLATILITY, CONNECTIONS, PAUSE = 0.02, 25, 0.02


def momentum(ticker):
    return 0.01 if TICKERS.index(ticker) % 4 == 0 else -0.01


def tilt(tag):
    model = RankTilt(("mom_5", "volatility_1", "rank_mean"), stump(0, *RANKS[tag]), 0.5)
    return winner(candidate="rank_tilt", served="rank_tilt", model=model)


def expected(tag, ticker):
    """By hand: half the distance of the ticker's rank from the pool's mean, times volatility."""
    low, high = RANKS[tag]
    mean = (3 * low + high) / 4
    return 0.5 * ((high if momentum(ticker) > 0 else low) - mean) * VOLATILITY


@dataclass
class Answer:
    """When a request was sent and answered, in seconds, and with what."""

    ticker: str
    sent: float
    received: float
    status: bytes
    body: bytes


class Clients:
    """Connections that ask for every ticker in turn, each 50 times a second."""

    def __init__(self, port):
        self.answers, self._port, self._stop = [], port, False
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    async def _run(self):
        await asyncio.gather(*(self._ask(number) for number in range(CONNECTIONS)))

    async def _ask(self, number):
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        started, turn = time.perf_counter(), 0
        while not self._stop:
            ticker = TICKERS[(number + turn * CONNECTIONS) % len(TICKERS)]
            sent = time.perf_counter()
            request = f"GET /predict/short?ticker={ticker} HTTP/1.1\r\nHost: localhost\r\n\r\n"
            writer.write(request.encode())
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length: ")[2].partition(b"\r")[0])
            body = await reader.readexactly(length)
            self.answers.append(Answer(ticker, sent, time.perf_counter(), head[9:12], body))
            turn += 1
            await asyncio.sleep(max(0.0, started + turn * PAUSE - time.perf_counter()))
        writer.close()

    def __enter__(self):
        self._thread.start()
        eventually(lambda: len(self.answers) > 500)
        return self

    def __exit__(self, *raised):
        self._stop = True
        self._thread.join()


@pytest.fixture
def registry(database_url, home, models):
    """A registry with two versions of a pool, the second live; its rollbacks store inputs."""
    with open_database(database_url, home) as database:
        live = LiveModels(ArtifactStore(models), EventLog(database.control))
        opened = Registry(live, VersionArchive(home / "mlops" / "model_archive"))
        for ticker in TICKERS:
            inputs = {"mom_5": momentum(ticker), "volatility_1": VOLATILITY}
            put_inputs(database.control, ticker, "short", inputs=inputs)
        for turn, tag in enumerate(RANKS):
            put_live(database.control, models, [tilt(tag)], tickers=(), minutes=turn)
            opened.make_version(tag, at(turn))
        yield opened, database


def roll_back(registry, database, tag):
    """Roll back; a moment just before the change became visible."""
    moments = []

    def also(restored):
        missing = write_inputs(database, restored, dt.datetime.now(dt.UTC))
        moments.append(time.perf_counter())
        return missing

    done = registry.roll_back(tag, Author("a test", at(5).at), also)
    assert (done.changed, done.missing_inputs) == (True, "")
    return moments[0]


def test_of_a_thousand_requests_a_second_none_is_lost_or_mixed_and_all_are_new_within_a_second(
    registry, database_url, home, record_testsuite_property
):
    roll_back(*registry, "v2")
    with Service(home, database_url) as service:
        for ticker in TICKERS:
            assert service.short(ticker).json()["pred_return"] == expected("v2", ticker)
        with Clients(service.port) as clients:
            began = time.perf_counter()
            moment = roll_back(*registry, "v1")
            time.sleep(1.5)
            seconds = time.perf_counter() - began
            count = sum(answer.sent > began for answer in clients.answers)

    answers = sorted(clients.answers, key=lambda answer: answer.sent)
    assert {answer.status for answer in answers} == {b"200"}
    bodies = [orjson.loads(answer.body) for answer in answers]
    is_new = []
    for answer, body in zip(answers, bodies, strict=True):
        assert (body["ticker"], body["last_close"]) == (answer.ticker, 3000.0)
        (tag,) = (t for t in RANKS if math.isclose(body["pred_return"], expected(t, answer.ticker)))
        is_new.append(tag == "v1")
    assert len({body["model"]["version"] for body in bodies}) == 2
    first_new = {}
    for answer, new in zip(answers, is_new, strict=True):
        if new:
            first_new[answer.ticker] = min(answer.received, first_new.get(answer.ticker, math.inf))
    assert set(first_new) == set(TICKERS)
    old = [answer for answer, new in zip(answers, is_new, strict=True) if not new]
    assert all(answer.sent < first_new[answer.ticker] for answer in old)
    lag = max(answer.received for answer in old) - moment
    record_testsuite_property("requests_per_second", round(count / seconds))
    record_testsuite_property("seconds_to_the_last_old_answer", round(lag, 3))
    assert lag <= 1.0
