import contextlib
import fcntl
import threading
import time

import psycopg
import pytest

from src.core.errors import DatabaseRefused, DatabaseUnavailable
from src.db import reconnect
from src.db.database import DATA_DIR
from src.db.embedded import processes
from src.db.embedded.server import EmbeddedServer
from src.db.reconnect import PersistentConnection, Reconnector
from tests.support.services import die, eventually


def one(connection):
    return connection.execute("SELECT 1").fetchone()[0]


def test_work_begun_on_a_connection_that_was_lost_is_done_on_a_new_one(database_url, home):
    kept = PersistentConnection(Reconnector(database_url, home))
    pid = kept.run(lambda connection: connection.info.backend_pid)
    with psycopg.connect(database_url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

    assert kept.run(one) == 1
    kept.close()


def test_the_server_shows_a_connection_by_the_name_of_its_application(database_url, home):
    kept = PersistentConnection(Reconnector(database_url, home, "a page"))
    shown = kept.run(lambda connection: connection.execute("SHOW application_name").fetchone())
    assert shown == ("a page",)
    kept.close()


def test_a_server_that_is_not_there_is_one_sentence(home):
    kept = PersistentConnection(Reconnector("postgresql://u:hunter2@127.0.0.1:1/nothing", home))

    with pytest.raises(DatabaseUnavailable, match="1/nothing does not answer") as lost:
        kept.run(one)

    assert "hunter2" not in str(lost.value)


def test_what_the_server_refuses_is_not_tried_again(database_url, home):
    kept, tries = PersistentConnection(Reconnector(database_url, home)), []

    def wrong(connection):
        tries.append(1)
        connection.execute("SELECT nothing FROM nowhere")

    with pytest.raises(DatabaseRefused, match="nowhere"):
        kept.run(wrong)
    assert len(tries) == 1
    kept.close()


def test_the_embedded_server_is_started_when_needed_and_again_when_it_died(home, caplog):
    link = Reconnector(None, home)
    kept = PersistentConnection(link)
    assert kept.run(one) == 1
    assert caplog.records == []

    die(home / DATA_DIR / "postmaster.pid")

    assert kept.run(one) == 1
    (record,) = caplog.records
    assert (record.levelname, "had died: it is started again" in record.message) == (
        "WARNING",
        True,
    )
    kept.close()
    link.close()
    assert not (home / DATA_DIR / "postmaster.pid").exists()


def test_a_closed_reconnector_starts_no_server(home):
    reconnector = Reconnector(None, home)
    reconnector.close()

    with pytest.raises(DatabaseUnavailable, match="about to end"):
        reconnector.connect()
    assert not (home / DATA_DIR).exists()


@pytest.fixture
def reconnector(home):
    """One of an embedded server, closed afterwards."""
    opened = Reconnector(None, home)
    yield opened
    opened.close()


def connects(reconnector):
    """Whether a connection was made."""
    with contextlib.suppress(DatabaseUnavailable):
        reconnector.connect().close()
        return True
    return False


def test_a_server_that_cannot_start_is_tried_ever_more_rarely_and_found_once_it_can(
    reconnector, home
):
    data = home / DATA_DIR
    server, settings = EmbeddedServer(data.resolve()), data / "postgresql.conf"
    reconnector.connect().close()
    good = settings.read_text()
    settings.write_text(f"{good}shared_buffers = many\n")
    die(data / "postmaster.pid")
    ends = time.monotonic() + 3
    calls = []
    while time.monotonic() < ends:
        with pytest.raises(DatabaseUnavailable, match="could not be started"):
            reconnector.connect()
        calls.append(1)

    # At 0, 0, .5 and 1.5 seconds.
    assert 2 <= server.log.read_text().count("contains errors") <= 4
    assert len(calls) > 50
    settings.write_text(good)
    eventually(lambda: connects(reconnector))


def test_while_one_tries_the_others_hear_the_last_failure_at_once(reconnector, home, monkeypatch):
    monkeypatch.setattr(reconnect, "START_TIMEOUT", 2.0)
    lock = home / DATA_DIR.with_suffix(".lock")
    lock.parent.mkdir(parents=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert not connects(reconnector)
        trying = threading.Thread(target=connects, args=(reconnector,))
        trying.start()
        time.sleep(0.5)
        began = time.monotonic()
        with pytest.raises(DatabaseUnavailable, match="started or stopped by another process"):
            reconnector.connect()
        waited = time.monotonic() - began
        trying.join()

    assert waited < 1


def test_a_start_that_takes_longer_than_one_try_goes_on(reconnector, home, monkeypatch):
    server = EmbeddedServer((home / DATA_DIR).resolve())
    monkeypatch.setattr(reconnect, "START_TIMEOUT", 0.0)
    with pytest.raises(DatabaseUnavailable, match="not ready in time"):
        reconnector.connect()
    started = eventually(lambda: list(processes.working_in(server)))
    monkeypatch.setattr(reconnect, "START_TIMEOUT", 10.0)
    reconnector.connect().close()

    assert processes.postmaster(server) in started
    reconnector.close()
    eventually(lambda: not list(processes.working_in(server)))
