import logging

import psycopg
import pytest

from src.config import logs
from src.db.watched.alerts import AlertTables
from src.monitoring.delivery.channels import Channel
from tests.support.receivers import Receiver


@pytest.fixture
def receivers():
    """Start receivers: ``receivers(200)``."""
    started = []

    def start(answer=200):
        started.append(Receiver(answer))
        return started[-1]

    yield start
    for receiver in started:
        receiver.close()


@pytest.fixture
def connection(database_url):
    with psycopg.connect(database_url, autocommit=True) as opened:
        yield opened


@pytest.fixture
def tables(connection):
    return AlertTables(connection)


@pytest.fixture
def logged(home):
    """The text of the log file, at DEBUG; what is hidden is forgotten afterwards."""
    logs.configure(home, "DEBUG")
    yield (home / logs.LOG_FILE).read_text
    logs._secrets.clear()
    for handler in list(logging.getLogger().handlers):
        if getattr(handler, "_ours", False):
            logging.getLogger().removeHandler(handler)
            handler.close()


@pytest.fixture
def channel():
    """A channel to a receiver."""

    def make(receiver, name="one", timeout=30.0, path="alerts"):
        return Channel(name, receiver.url(path), timeout)

    return make
