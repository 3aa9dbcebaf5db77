import psycopg
import pytest

from src.core.errors import DatabaseRefused, DatabaseUnavailable
from src.db.database import DATA_DIR
from src.db.reconnect import PersistentConnection, Reconnector
from tests.support.services import die


def one(connection):
    return connection.execute("SELECT 1").fetchone()[0]


def test_work_begun_on_a_connection_that_was_lost_is_done_on_a_new_one(database_url, home):
    kept = PersistentConnection(Reconnector(database_url, home))
    pid = kept.run(lambda connection: connection.info.backend_pid)
    with psycopg.connect(database_url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

    assert kept.run(one) == 1
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


def test_the_embedded_server_is_started_when_needed_and_again_when_it_died(home):
    link = Reconnector(None, home)
    kept = PersistentConnection(link)
    assert kept.run(one) == 1

    die(home / DATA_DIR / "postmaster.pid")

    assert kept.run(one) == 1
    kept.close()
    link.close()
    assert not (home / DATA_DIR / "postmaster.pid").exists()


def test_a_closed_reconnector_starts_no_server(home):
    reconnector = Reconnector(None, home)
    reconnector.close()

    with pytest.raises(DatabaseUnavailable, match="about to end"):
        reconnector.connect()
    assert not (home / DATA_DIR).exists()
