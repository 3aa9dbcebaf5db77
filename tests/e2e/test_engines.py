"""A run of many in one process, in several, on a cluster: the same tables, whatever is killed."""

import os
import random
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from src.db.connection import normalise_url
from src.db.migrate import ensure_schema
from src.db.tables.trials import TrialLog
from tests.conftest import ROOT
from tests.support.clusters import Cluster
from tests.support.many_tickers import EVENING, contents, results, write_files
from tests.support.networks import HERE, Hosts, Relay, missing
from tests.support.trials import registered_trial

pytestmark = pytest.mark.slow

COUNT = 30


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("prices")
    write_files(place, COUNT)
    return place


class Home:
    """A home and a database of its own, in which runs of all tickers are started."""

    def __init__(self, path, url, folder):
        self.path, self.url, self._folder = path, url, folder
        self.environment = EVENING | {"FORECAST_HOME": str(path), "DATABASE_URL": url}

    def start(self, *more):
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "mlops.pipeline", "--all", "--source", "csv"),
                *("--path", str(self._folder), *more),
            ],
            cwd=ROOT,
            env=os.environ | self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *more):
        process = self.start(*more)
        printed, said = process.communicate(timeout=300)
        return process.returncode, printed, said

    def until(self, sql):
        """Wait until a query of the database has a row."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            until = time.monotonic() + 120
            while not connection.execute(sql).fetchall():
                assert time.monotonic() < until, sql
                time.sleep(0.02)


@pytest.fixture(scope="module")
def new_home(server, tmp_path_factory, folder):
    """Makes homes; their databases are dropped in the end."""
    made = []

    def make(*, updated=True, folder=folder):
        name = f"test_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name}")
        made.append(name)
        url = normalise_url(server.replace("/forecast_db?", f"/{name}?"))
        if updated:
            ensure_schema(url)
        return Home(tmp_path_factory.mktemp("home"), url, folder)

    yield make
    with psycopg.connect(server, autocommit=True) as admin:
        for name in made:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def undisturbed(new_home):
    """The tables after a run in one process."""
    home = new_home()
    code, _, said = home.run()
    assert code == 0, said
    return contents(home.url)


@pytest.fixture
def start_cluster(tmp_path):
    """Starts a cluster whose workers have these environments; ended with the test."""
    started = []

    def start(*environments):
        started.append(Cluster(tmp_path, list(environments)))
        return started[-1]

    yield start
    for cluster in started:
        cluster.close()


def children(pid):
    """The processes that a process has started as its workers."""
    tasks = Path(f"/proc/{pid}/task")
    names = [n for task in tasks.iterdir() for n in (task / "children").read_text().split()]
    command = {n: Path(f"/proc/{n}/cmdline").read_bytes() for n in names}
    return [int(n) for n in names if b"spawn_main" in command[n]]


def test_two_processes_write_what_one_writes(new_home, undisturbed):
    home = new_home()
    code, _, said = home.run("--workers", "2")
    assert code == 0, said
    assert contents(home.url) == undisturbed
    told = results(home.path)["stages"]
    with psycopg.connect(home.url) as connection:
        rows = connection.execute("SELECT stage, peak_memory_mib FROM stage_runs").fetchall()
    assert {stage: row["peak_memory_mib"] for stage, row in told.items()} == dict(rows)
    # Of a process that has loaded polars and a driver, and holds 15 tickers.
    assert all(50 < peak < 1000 for _, peak in rows)


def test_a_cluster_writes_what_one_process_writes(new_home, undisturbed, start_cluster):
    home = new_home()
    cluster = start_cluster(home.environment, home.environment)
    code, _, said = home.run("--engine", cluster.address)
    assert code == 0, said
    assert contents(home.url) == undisturbed
    done = [(cluster.folder / f"worker{number}").read_text() for number in (0, 1)]
    assert not [text for text in done if "Traceback" in text]


# Of so many tickers and sessions ranks can be learned.
RANKED = 22, 800


@pytest.mark.long
def test_two_processes_and_a_cluster_fit_the_challengers_that_one_process_fits(
    new_home, start_cluster, tmp_path
):
    tickers = write_files(tmp_path / "prices", *RANKED, traded=True)
    kept = {}
    for name in ("one process", "two processes", "cluster"):
        home = new_home(folder=tmp_path / "prices")
        trials = [
            registered_trial(reference="live", challenger=challenger, settings={"refit_every": 63})
            for challenger in ("ridge", "rank_tilt")
        ]
        with psycopg.connect(home.url, autocommit=True) as connection:
            for trial in trials:
                TrialLog(connection).register(trial)
        options = ("--workers", "2") if name == "two processes" else ()
        if name == "cluster":
            options = ("--engine", start_cluster(home.environment, home.environment).address)
        code, _, said = home.run(*options)
        assert code == 0, said
        with psycopg.connect(home.url) as connection:
            shadows = dict(
                connection.execute(
                    "SELECT model, count(*) FROM predictions WHERE kind = 'shadow' GROUP BY model"
                ).fetchall()
            )
        assert shadows == {"ridge": len(tickers), "rank_tilt": len(tickers)}
        kept[name] = contents(home.url)
    assert kept["two processes"] == kept["one process"]
    assert kept["cluster"] == kept["one process"]


def test_the_block_of_a_killed_process_is_done_by_another(new_home, undisturbed):
    home = new_home()
    process = home.start("--workers", "2")
    home.until("SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = 7203008")
    for pid in children(process.pid)[:1]:
        os.kill(pid, signal.SIGKILL)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert contents(home.url) == undisturbed


def test_the_block_of_a_killed_worker_is_done_by_another(new_home, undisturbed, start_cluster):
    home = new_home()
    cluster = start_cluster(home.environment, home.environment)
    process = home.start("--engine", cluster.address)
    home.until("SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = 7203008")
    cluster.workers[0].send_signal(signal.SIGKILL)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert contents(home.url) == undisturbed


def test_a_killed_scheduler_ends_the_run_in_one_sentence_and_nothing_is_half_done(
    new_home, undisturbed, start_cluster
):
    home = new_home()
    cluster = start_cluster(home.environment, home.environment)
    process = home.start("--engine", cluster.address)
    home.until("SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = 7203008")
    cluster.scheduler.send_signal(signal.SIGKILL)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 1
    assert f"The Dask cluster at {cluster.address} was lost" in said
    assert "Traceback" not in said
    code, _, said = home.run()
    assert code == 0, said
    assert contents(home.url) == undisturbed


def test_a_worker_with_another_database_is_refused(new_home, start_cluster):
    home, other = new_home(), new_home(updated=False)
    cluster = start_cluster(other.environment)
    code, _, said = home.run("--engine", cluster.address)
    assert code == 1
    last = said.splitlines()[-1]
    assert last.startswith(
        f"The run {results(home.path)['pipeline_id']} has ended, or the database"
    )
    with psycopg.connect(other.url) as connection:
        tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        assert connection.execute(tables).fetchone() == (0,)


def test_no_scheduler_is_one_sentence(new_home):
    code, _, said = new_home().run("--engine", "dask://127.0.0.1:1")
    assert (code, said.splitlines()[-1]) == (
        1,
        "No Dask scheduler answers at dask://127.0.0.1:1: start it, or correct --engine.",
    )


@pytest.mark.parametrize("engine", [(), pytest.param(("--workers", "2"), marks=pytest.mark.long)])
def test_a_run_that_is_killed_at_any_moment_is_taken_up_where_it_was(new_home, undisturbed, engine):
    home, chance = new_home(), random.Random(7)  # noqa: S311
    kill_often(home, engine, [chance.uniform(1, 12) for _ in range(3)])
    assert contents(home.url) == undisturbed


@pytest.mark.long
def test_ten_kills_of_a_run_leave_no_trace(new_home, undisturbed):
    home, chance = new_home(), random.Random(11)  # noqa: S311
    kill_often(home, ("--workers", "2"), [chance.uniform(0.5, 20) for _ in range(10)])
    assert contents(home.url) == undisturbed


def kill_often(home, engine, moments):
    """Kill runs with all their processes so many seconds after their start, then let one end."""
    for seconds in moments:
        process = home.start(*engine)
        try:
            process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    code, _, said = home.run(*engine)
    assert code == 0, said


@pytest.fixture
def hosts(tmp_path, server):
    """Two network namespaces, and the port on which they reach the server."""
    if why := missing():
        pytest.skip(why)
    opened, relay = Hosts(2), None
    try:
        folder = parse_qs(urlsplit(server).query)["host"][0]
        relay = Relay(f"{folder}/.s.PGSQL.5432")
        yield opened, relay.port
    finally:
        if relay is not None:
            relay.close()
        opened.close()


@pytest.mark.long
@pytest.mark.parametrize("network", ["whole", "cut for 30 s"])
def test_workers_on_other_hosts_write_what_one_process_writes(
    new_home, undisturbed, hosts, tmp_path, network
):
    home, (opened, port) = new_home(), hosts
    name = urlsplit(home.url).path
    reached = {"DATABASE_URL": f"postgresql://postgres@{HERE}:{port}{name}"}
    homes = [{**home.environment, **reached, "FORECAST_HOME": str(tmp_path / n)} for n in "ab"]
    cluster = Cluster(tmp_path, homes, HERE, opened.names)
    try:
        process = home.start("--engine", cluster.address)
        if network != "whole":
            home.until("SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = 7203008")
            opened.cut(opened.names[0])
            time.sleep(30)
            opened.mend(opened.names[0])
        _, said = process.communicate(timeout=400)
    finally:
        cluster.close()
    assert process.returncode == 0, said
    assert contents(home.url) == undisturbed
