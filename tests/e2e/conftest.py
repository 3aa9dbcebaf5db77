import subprocess
import sys

import psycopg
import pytest

from src.db.database import DATA_DIR
from src.db.embedded.lease import acquire
from src.db.migrate import ensure_schema
from tests.conftest import ROOT
from tests.support.answers import put_live, put_member, put_price
from tests.support.databases import hurry, new_database
from tests.support.homes import copy_home
from tests.support.models import both_horizons, make_artifact, winner
from tests.support.real_prices import Databases
from tests.support.services import Service


@pytest.fixture
def embedded(home):
    """Attach to the home's own server: ``with embedded() as url``."""
    from contextlib import contextmanager

    @contextmanager
    def attach():
        with acquire(home / DATA_DIR) as lease:
            yield lease.url

    return attach


@pytest.fixture(scope="session")
def unused_home(tmp_path_factory):
    """A home whose database has the schema and nothing else."""
    home = tmp_path_factory.mktemp("unused")
    with acquire(home / DATA_DIR) as lease:
        ensure_schema(lease.url)
        hurry(lease.url)
    return home


@pytest.fixture
def prepared(home, unused_home):
    """The database that the home's first command would make; to copy it takes a fifth of that."""
    copy_home(unused_home, home)


@pytest.fixture
def start(environment):
    """Start ``python -m …`` and leave it running; it is killed at the end if it still is."""
    started = []

    def run(*arguments, **extra):
        process = subprocess.Popen(
            [sys.executable, "-m", *map(str, arguments)],
            cwd=ROOT,
            env=environment | extra,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def place(tmp_path_factory, server, template):
    """A database with TCS.NS served, TCS.BO by a winner, INFY.NS without inputs; its home."""
    home = tmp_path_factory.mktemp("home")
    with new_database(server, template) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            put_live(connection, home / "models", both_horizons())
            bse = [winner(pool="BSE"), make_artifact(pool="BSE", horizon="long", sessions=63)]
            put_live(connection, home / "models", bse, tickers=["TCS.BO"])
            put_price(connection, "INFY.NS")
            put_member(connection, "INFY.NS")
        yield url, home


@pytest.fixture(scope="module")
def api(place):
    """A service that most tests share."""
    url, home = place
    with Service(home, url) as service:
        yield service


@pytest.fixture(scope="module")
def databases(server, tmp_path_factory, starter):
    """Databases of a module, with homes; dropped afterwards."""
    made = Databases(server, tmp_path_factory.mktemp("homes"), starter)
    yield made
    made.drop()


@pytest.fixture(scope="module")
def serve(databases):
    """``serve(place)``: a service on a copy of a place, not started yet, and the copy."""

    def start(place):
        copy = databases.copy(place)
        return Service(copy.home, copy.url), copy

    return start


@pytest.fixture
def connection(database_url):
    with psycopg.connect(database_url, autocommit=True) as opened:
        yield opened


@pytest.fixture
def models(home):
    return home / "models"


@pytest.fixture
def service(database_url, connection, home, models):
    """A service on a database of the test's own that has answered for TCS.NS."""
    put_live(connection, models, both_horizons())
    with Service(home, database_url) as started:
        assert started.short().status_code == 200
        yield started
