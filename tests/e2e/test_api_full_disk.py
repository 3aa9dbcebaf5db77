"""A disk that is full to the last byte, with the models, the database and the log on it."""

import json
import os
import subprocess

import numpy as np
import psycopg
import pytest

from src.config.logs import LOG_FILE
from src.db.database import DATA_DIR
from src.db.embedded import postmaster
from src.db.embedded.lease import acquire
from src.db.embedded.server import EmbeddedServer
from src.db.migrate import ensure_schema
from src.registry.formats.models import LinearModel
from tests.support.answers import put_inputs, put_live
from tests.support.checksums import checksums
from tests.support.data_runs import data_is_stored
from tests.support.models import winner
from tests.support.services import Service, eventually

DEMO = ("mlops.pipeline", "--ticker", "DEMO.NS", "--skip-training")
# More than the rows that still fit into the page of the table that is there already.
OTHERS = {f"OTHER{number}.NS": number / 1000 for number in range(1, 41)}
NO_SPACE = "MB left on its disk, so free some space first"
VALUES = {"TCS.NS": -0.02, **OTHERS}


class Disk:
    """A file system at ``place`` that can be filled; the home is there or above it."""

    def __init__(self, home, place):
        self.home, self._place, self._filler = home, place, place / "filler"
        self.data, self.log = home / DATA_DIR, home / LOG_FILE
        self.server = EmbeddedServer(self.data.resolve())

    def free(self):
        stats = os.statvfs(self._place)
        return stats.f_bavail * stats.f_frsize

    def fill(self, leave=0):
        """Leave so many bytes, whole blocks of them, and none in the block where the log ends."""
        self.log.parent.mkdir(exist_ok=True)
        with self.log.open("ab", 0) as file:
            file.write(b"\n" * (-file.tell() % os.statvfs(self._place).f_bsize))
        with self._filler.open("wb", 0) as file:
            while (more := self.free() - leave) > 0:
                file.write(b"\0" * min(more, 1 << 20))
        assert self.free() == leave

    def make_room(self):
        self._filler.unlink()

    def connect(self):
        return psycopg.connect(self.server.url("forecast_db"), autocommit=True)

    def ask(self, sql):
        with self.connect() as connection:
            return connection.execute(sql).fetchall()

    def leave(self):
        """End whatever still runs on it and take it away."""
        try:
            postmaster.stop(self.server)
        finally:
            subprocess.run(["umount", "-l", self._place], check=True)


@pytest.fixture
def disk(home, request):
    """All of the home, unless the test names the part of it."""
    place = home / getattr(request, "param", ".")
    place.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", "size=160m,mode=755", "tmpfs", place]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"no file system may be mounted here: {mounted.stderr.strip()}")
    made = Disk(home, place)
    try:
        yield made
    finally:
        made.leave()


@pytest.fixture
def models(disk):
    """Live models of all tickers, each with a forecast that is a number of its own."""
    with acquire(disk.data) as lease:
        ensure_schema(lease.url)
        with psycopg.connect(lease.url, autocommit=True) as connection:
            momentum = LinearModel(("mom_5",), np.ones(1), 0.0)
            live = [winner(model=momentum), winner(model=momentum, horizon="long", sessions=63)]
            put_live(connection, disk.home / "models", live, inputs={"mom_5": 0.07})
            for ticker, value in VALUES.items():
                put_inputs(connection, ticker, "short", inputs={"mom_5": value})


@pytest.fixture
def api(disk, models):
    """A service on the disk that has answered for TCS.NS and stored that answer."""
    with Service(disk.home) as service:
        assert service.short().status_code == 200
        eventually(lambda: service.metric("forecast_log_written_total") == 1)
        yield service


def end_log(connection):
    """Begin pieces of the log that is written ahead until there is no room for another."""
    for _ in range(4):
        connection.execute("SELECT pg_switch_wal()")
        connection.execute("SELECT pg_logical_emit_message(true, 'a', 'test')")


def part(answer, name):
    return next(item for item in answer.json()["parts"] if item["name"] == name)


def logged(disk):
    return disk.ask("SELECT ticker, point FROM predictions WHERE horizon = 'short' ORDER BY 1")


@pytest.mark.parametrize("disk", [".", "var"], indirect=True, ids=["all of it", "the database"])
def test_on_a_full_disk_every_forecast_is_given_and_stored_once_there_is_room(api, disk):
    disk.fill()
    answers = {ticker: api.short(ticker) for ticker in VALUES}
    eventually(lambda: api.metric("forecast_log_failures_total") >= 1)
    again = {ticker: api.short(ticker) for ticker in VALUES}
    health = api.get("/health")

    for responses in (answers, again):
        assert {answer.status_code for answer in responses.values()} == {200}
        assert {name: answer.json()["pred_return"] for name, answer in responses.items()} == VALUES
    waiting = api.metric("forecast_log_backlog")
    assert waiting >= 1
    assert waiting + api.metric("forecast_log_written_total") == len(VALUES)
    assert (health.status_code, health.json()["status"]) == (200, "degraded")
    assert "The disk of the database" in part(health, "log")["detail"]
    disk.make_room()
    eventually(lambda: api.metric("forecast_log_backlog") == 0)
    assert logged(disk) == sorted(VALUES.items())
    assert api.get("/health").json()["status"] == "ready"
    # No line of the log was torn by it.
    assert all(json.loads(line) for line in disk.log.read_text().split("\n") if line)


def test_a_database_that_dies_of_a_full_disk_is_answered_for_and_comes_back_by_itself(api, disk):
    cached = api.short().json()
    # Opened before: after a vacuum of its catalogues a server that lives on refuses connections
    # while it cannot write its file of them (``pg_internal.init``).
    with disk.connect() as connection:
        disk.fill()
        # The log that PostgreSQL writes ahead ends here, and there is no room for the next piece;
        # one or two pieces may have been made beforehand.
        with pytest.raises(psycopg.OperationalError):
            end_log(connection)
    assert connection.broken
    # Until the first try to start it again has failed, nobody knows of the disk; a try may take 30
    # seconds.
    lost = eventually(
        lambda: answer if NO_SPACE in str((answer := api.short()).json()) else None, seconds=90
    )
    long, other, health = api.get("/predict/long"), api.short("OTHER1.NS"), api.get("/health")

    assert {**lost.json(), "warnings": []} == cached
    assert (long.status_code, long.json()["pred_return"]) == (200, 0.07)
    assert (other.status_code, health.status_code) == (503, 503)
    for text in (lost.json()["warnings"][0], other.json()["detail"], health.json()["detail"]):
        assert NO_SPACE in text
    assert api.metric("forecast_log_backlog") == 1
    disk.make_room()
    eventually(lambda: api.short().json() == cached)
    eventually(lambda: api.get("/health").status_code == 200)
    assert api.short("OTHER1.NS").json()["pred_return"] == 0.001
    eventually(lambda: api.metric("forecast_log_backlog") == 0)
    assert logged(disk) == [("OTHER1.NS", 0.001), ("TCS.NS", -0.02)]
    assert disk.ask("SELECT count(*) FROM predictions") == [(3,)]


def test_started_on_a_full_disk_it_says_so_and_answers_once_there_is_room(disk, models):
    disk.fill()
    with Service(disk.home) as api:
        answer, health = api.short(), api.get("/health")
        assert (answer.status_code, health.status_code) == (503, 503)
        for response in (answer, health):
            assert NO_SPACE in response.json()["detail"]
        disk.make_room()
        eventually(lambda: api.short().status_code == 200)
        eventually(lambda: api.get("/health").status_code == 200)
        eventually(lambda: logged(disk) == [("TCS.NS", -0.02)])


def test_a_command_on_a_full_disk_ends_in_one_sentence_and_works_once_there_is_room(disk, command):
    def run(day):
        return command(*DEMO, FORECAST_NOW=f"{day}T18:00+05:30")

    assert data_is_stored(run("2026-03-30"))
    with acquire(disk.data) as lease:
        before = checksums(lease.url)
    for bytes_left in (0, 1 << 16):
        disk.fill(bytes_left)
        failed = run("2026-06-30")
        disk.make_room()
        assert failed.returncode == 1
        assert "Traceback" not in failed.stderr
        assert "free some space" in failed.stderr.splitlines()[-1]

    with acquire(disk.data) as lease:
        assert checksums(lease.url) == before
    assert data_is_stored(run("2026-06-30"))
