"""Fixtures for all tests: a fresh database on a real PostgreSQL, a home folder, commands."""

import os
import subprocess
import sys
from pathlib import Path

import hypothesis
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from src.config.threads import configure_threads
from src.db.connection import bulk_connection
from src.db.embedded.lease import acquire
from src.db.migrate import ensure_schema
from src.db.store import PostgresStore
from src.db.tables.model_events import EventLog
from src.registry.lifecycle.live_models import LiveModels
from src.registry.storage.artifact_store import MODELS, ArtifactStore
from tests.support.databases import hurry, new_database
from tests.support.starter import Starter

# Before any library with threads of its own is loaded.
configure_threads()
# How long an example takes depends on what else the machine does; the same examples every time.
hypothesis.settings.register_profile("ours", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ours")

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("FORECAST_TEST_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def data():
    """The folder of real prices; tests that need it are skipped where it is missing."""
    if not DATA.is_dir():
        pytest.skip(f"real prices are not at {DATA} (set FORECAST_TEST_DATA)")
    return DATA


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """One PostgreSQL for the whole session: that of FORECAST_TEST_SERVER, or one a worker."""
    if named := os.environ.get("FORECAST_TEST_SERVER"):
        yield named
        return
    with acquire(tmp_path_factory.mktemp("server") / "postgres") as lease:
        hurry(lease.url)
        yield lease.url


@pytest.fixture(scope="session")
def template(server):
    """The name of a database with the schema in it; to copy it is quicker than to migrate."""
    with new_database(server) as url:
        ensure_schema(url)
        yield conninfo_to_dict(url)["dbname"]


@pytest.fixture
def database_url(server, template):
    """A database of the test's own, with the schema in it, dropped afterwards."""
    with new_database(server, template) as url:
        yield url


@pytest.fixture
def store(database_url):
    """A store on the test's own database."""
    opened = PostgresStore(bulk_connection(database_url))
    yield opened
    opened.close()


@pytest.fixture
def models(database_url, home):
    """The live models of the test's own home, audited in its own database."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield LiveModels(ArtifactStore(home / MODELS), EventLog(connection))


@pytest.fixture
def home(tmp_path):
    """A folder that stands in for the checkout: logs, runs, models and the embedded server."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def no_rights(tmp_path):
    """A folder that this user may not enter; root, who may enter any, is another user meanwhile."""
    folder = tmp_path / "no_rights"
    folder.mkdir(mode=0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield folder
    os.seteuid(user)
    folder.chmod(0o700)


@pytest.fixture(scope="session")
def outside():
    """The environment of all commands under test: nothing of the machine's own settings."""
    own = ("FORECAST_", "PG", "DATABASE_URL", "TICKER", "LOG_LEVEL", "MLFLOW_")
    passed_on = {n: value for n, value in os.environ.items() if not n.startswith(own)}
    return passed_on | {"PYTHONWARNINGS": "default"}


@pytest.fixture
def environment(outside, home):
    """The environment of a command under test."""
    return outside | {"FORECAST_HOME": str(home)}


@pytest.fixture(scope="session")
def starter(outside):
    """Starts commands; what most of them import is imported once, and warns of nothing."""
    opened = Starter(outside)
    yield opened
    assert opened.end() == ""


@pytest.fixture
def command(starter, environment):
    """Run ``python -m …`` in the checkout as a user would, to its end."""

    def run(module, *arguments, timeout=120, **extra):
        own = environment | {name: str(value) for name, value in extra.items()}
        return starter.run(module, [str(word) for word in arguments], own, timeout)

    return run


@pytest.fixture
def fresh(environment):
    """The same in a process that imports everything itself."""

    def run(*arguments):
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run
