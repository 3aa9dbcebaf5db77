"""Connections that fail, and their error messages."""

import os
import subprocess
import sys
from contextlib import closing

import polars as pl
import psycopg
import pytest

from src.core.errors import DatabaseFull, DatabaseRefused, DatabaseUnavailable, ValueRefused
from src.core.tables import CLEAN_DAILY
from src.db.bulk import cursors
from src.db.connection import (
    bulk_connection,
    control_connection,
    normalise_url,
    one_sentence_errors,
)
from src.db.store import PostgresStore


@pytest.mark.parametrize("connect", [control_connection, bulk_connection])
def test_a_database_that_does_not_answer_is_one_sentence_without_the_password(connect):
    with pytest.raises(DatabaseUnavailable) as refused:
        connect(normalise_url("postgresql://me:hunter2@127.0.0.1:1/prices"))

    message = str(refused.value)
    assert message.startswith("The database at 127.0.0.1:1/prices does not answer (")
    assert message.endswith("): start it, or check DATABASE_URL.")
    assert "Connection refused" in message
    assert "hunter2" not in message
    assert "\n" not in message


def test_a_wrong_password_is_not_repeated(server):
    # The server listens on a socket alone and trusts it: an unknown role is refused instead.
    url = server.replace("//postgres@", "//nobody:hunter2@")
    with pytest.raises(DatabaseUnavailable) as refused:
        control_connection(normalise_url(url))

    assert '"nobody" does not exist' in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("mysql://me:hunter2@db/prices", "it has mysql://."),
        ("sqlite:///prices.db", "it has sqlite://."),
        ("prices", "it has no scheme."),
    ],
)
def test_an_address_of_another_kind_is_refused_by_its_scheme(url, named):
    with pytest.raises(DatabaseUnavailable) as refused:
        normalise_url(url)

    assert str(refused.value).endswith(named)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_usual_spelling_of_the_scheme_is_understood(scheme):
    assert normalise_url(f"{scheme}://me@db/prices?host=/run") == (
        "postgresql://me@db/prices?host=/run&connect_timeout=5"
    )


def test_a_stated_time_limit_is_kept():
    url = "postgresql://me@db/prices?connect_timeout=2"

    assert normalise_url(url) == url


def test_a_database_lost_half_way_is_one_sentence(database_url, server):
    store = PostgresStore(bulk_connection(database_url))
    with psycopg.connect(server, autocommit=True) as admin:
        name = psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )

    with pytest.raises(DatabaseUnavailable), one_sentence_errors(database_url):
        store.load(CLEAN_DAILY, ["TCS.NS"])
    store.close()


def test_a_database_lost_while_rows_come_is_one_sentence(database_url, server):
    with closing(bulk_connection(database_url)) as connection, cursors.cursor(connection) as cursor:
        cursor.execute("SELECT repeat('x', 1000) FROM generate_series(1, 100000)")
        with psycopg.connect(server, autocommit=True) as admin:
            name = psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]
            admin.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
                (name,),
            )

        with (
            pytest.raises(DatabaseUnavailable, match="does not answer"),
            one_sentence_errors(database_url),
        ):
            cursors.fetch(cursor)


def test_to_read_rows_loads_no_pandas(database_url):
    code = (
        "import sys; from src.core.tables import CLEAN_DAILY;"
        "from src.db.connection import bulk_connection; from src.db.store import PostgresStore;"
        f"store = PostgresStore(bulk_connection({database_url!r}));"
        "store.load(CLEAN_DAILY, ['TCS.NS']); store.close(); print('pandas' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("connect", [control_connection, bulk_connection])
def test_a_server_that_refuses_a_connection_is_not_taken_for_one_that_is_away(
    database_url, connect
):
    with pytest.raises(
        DatabaseUnavailable, match=r"refused the connection \(.*missing_.*\): check"
    ):
        connect(database_url.replace("/test_", "/missing_"))


def test_a_full_disk_is_known_by_its_code(database_url, reader):
    raising = "DO $$ BEGIN RAISE 'kein Platz' USING ERRCODE = 'disk_full'; END $$"
    with closing(bulk_connection(database_url)) as ours:
        for connection in (reader, ours):
            with (
                closing(connection.cursor()) as cursor,
                pytest.raises(DatabaseFull, match=r"is full \(.*kein Platz"),
                one_sentence_errors(database_url),
            ):
                cursor.execute(raising)


def test_a_refused_row_that_speaks_of_a_connection_is_a_refusal(database_url, reader):
    reader.execute("CREATE TABLE connections (server text CONSTRAINT closed_connection UNIQUE)")
    text = "connection: server closed the connection unexpectedly"
    insert = f"INSERT INTO connections VALUES ('{text}')"
    reader.execute(insert)
    with closing(bulk_connection(database_url)) as bulk:

        def copy():
            with closing(bulk.cursor()) as cursor:
                rows = pl.DataFrame({"server": [text]}).to_arrow()
                cursor.adbc_ingest("connections", rows, mode="append")

        def execute():
            with closing(bulk.cursor()) as cursor:
                cursor.execute(insert)

        for write in (lambda: reader.execute(insert), execute, copy):
            with (
                pytest.raises(DatabaseRefused, match="closed_connection"),
                one_sentence_errors(database_url),
            ):
                write()
            bulk.rollback()


@pytest.mark.parametrize(
    ("statement", "parameters"),
    [
        ("SELECT 1 / %s::int", [0]),
        ("INSERT INTO instruments (ticker) VALUES (%s)", [None]),
        ("SELECT %s::int", ["one"]),
        ("SELECT %s::float8", [[0.5]]),
        ("SELECT %s::text", ["a\0b"]),
        ("SELECT %s", [object()]),
    ],
)
def test_a_value_that_cannot_be_stored_is_told_apart_from_a_database_that_cannot_store(
    database_url, reader, statement, parameters
):
    with pytest.raises(ValueRefused, match="refused a value"), one_sentence_errors(database_url):
        reader.execute(statement, parameters)
    with pytest.raises(DatabaseRefused) as refused, one_sentence_errors(database_url):
        reader.execute("SELECT * FROM nowhere")
    assert not isinstance(refused.value, ValueRefused)


def test_an_error_of_our_own_stays_what_it_is(database_url):
    with pytest.raises(ValueError, match="connection"), one_sentence_errors(database_url):
        raise ValueError("connection")


def test_the_error_names_the_right_that_a_role_lacks(database_url):
    role = f"guest_{os.getpid()}"
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {role} LOGIN")
        guest = PostgresStore(bulk_connection(database_url.replace("//postgres@", f"//{role}@")))
        with pytest.raises(DatabaseRefused) as refused, one_sentence_errors(database_url):
            guest.load(CLEAN_DAILY, ["TCS.NS"])
        guest.close()
        admin.execute(f"DROP ROLE {role}")

    assert "permission denied for table raw_daily_prices_clean" in str(refused.value)
    assert "check the role's rights" in str(refused.value)


@pytest.mark.parametrize(
    ("state", "reason", "remedy"),
    [
        ("53200", "out of shared memory", "raise max_locks_per_transaction in the server's"),
        ("53200", "out of memory", "give the server more memory or connections"),
        ("55P03", "canceling statement due to lock timeout", "see what else uses the database"),
        ("40P01", "deadlock detected", "see what else uses the database"),
        ("XX000", "cache lookup failed for relation 1", "report it, with the log"),
    ],
)
def test_the_remedy_is_that_of_the_error(database_url, reader, state, reason, remedy):
    raising = f"DO $$ BEGIN RAISE EXCEPTION '{reason}' USING ERRCODE = '{state}'; END $$"
    with pytest.raises(DatabaseRefused) as refused, one_sentence_errors(database_url):
        reader.execute(raising)

    assert f"reported an error ({reason}): {remedy}" in str(refused.value)
    assert "rights" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:hunter2@[::1/db",
        "postgresql://me:hun/ter2@127.0.0.1/db",
        "postgresql://me:hunter2@127.0.0.1:port/db",
        "postgresql://me:hunter2@127.0.0.1/db?bogus=1",
    ],
)
def test_an_address_that_cannot_be_read_is_refused_without_quoting_it(url):
    with pytest.raises(DatabaseUnavailable) as refused:
        normalise_url(url)

    assert str(refused.value).startswith("DATABASE_URL is not of the form postgresql://")
    assert not any(part in str(refused.value) for part in ("hun", "ter2", "bogus"))


def test_a_password_with_a_hash_is_kept_out_of_the_sentence():
    with pytest.raises(DatabaseUnavailable) as refused:
        control_connection(normalise_url("postgresql://me:hun#ter2@127.0.0.1:1/db"))

    assert not any(part in str(refused.value) for part in ("hun", "ter2"))
