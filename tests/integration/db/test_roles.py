"""Roles on a real PostgreSQL: what each part of a deployment can do, and what it cannot."""

import datetime as dt

import psycopg
import pytest

from src.core.alerts import Acknowledgement, Silence
from src.db.connection import OWNER, READER, WRITER
from src.db.roles import migrate_with_roles
from src.db.tables import run_requests
from src.db.tables.run_requests import NewRequest
from src.db.tables.trials import TrialLog
from src.db.watched.alerts import AlertTables
from src.db.watched.server_state import server_state
from tests.support.logged_forecasts import log_forecasts, logged_forecast
from tests.support.trials import registered_trial, trial_event

MONDAY, TUESDAY = dt.date(2026, 4, 13), dt.date(2026, 4, 15)
NOW = dt.datetime(2026, 4, 13, 12, 30, tzinfo=dt.UTC)
# Of every table that pages and the service only read, and of those that they add to.
TABLES = """
SELECT c.oid::regclass::text, min(a.attname::text) FROM pg_class c JOIN pg_attribute a
    ON a.attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attidentity = ''
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' GROUP BY 1 ORDER BY 1
"""


@pytest.fixture
def roles(empty_url):
    """The URL of a database that ``python -m mlops.migrate`` has prepared."""
    assert migrate_with_roles(empty_url)
    return empty_url


@pytest.fixture
def connect(roles):
    """Opens connections that have entered a role."""
    opened = []

    def make(role):
        connection = psycopg.connect(roles, autocommit=True, options=f"-c role={role}")
        opened.append(connection)
        return connection

    yield make
    for each in opened:
        each.close()


def refused(connection, statement):
    """Whether the role has no right to a statement."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(statement)
    except psycopg.errors.InsufficientPrivilege:
        return True
    return False


def test_the_whole_pipeline_runs_as_the_writer_also_with_columns_of_its_own_settings(
    roles, command
):
    run = command(
        *("mlops.pipeline", "--ticker", "DEMO.NS"),
        DATABASE_URL=roles,
        PGOPTIONS=f"-c role={WRITER}",
        FORECAST_FEATURES__SMA_PERIODS="[7,21,50]",
    )
    assert run.returncode == 0, run.stderr
    with psycopg.connect(roles) as connection:
        row = connection.execute("SELECT count(sma_50) FROM features_daily").fetchone()
    assert row[0] > 1000


def test_the_reader_writes_what_pages_and_the_service_write(connect):
    reader = connect(READER)
    log_forecasts(reader, logged_forecast(MONDAY, TUESDAY, 0.01))
    number, _ = run_requests.submit(
        reader, NewRequest("1", "full", ["TCS.NS"], "stored", None, "A. Rao")
    )
    run_requests.cancel(reader, number)
    tables = AlertTables(reader)
    for person in ("A. Rao", "B. Iyer"):
        tables.acknowledge(Acknowledgement("f1", person, NOW, ""))
    silence = tables.silence(
        Silence("stale", "*", "repairs", "A. Rao", NOW, NOW + dt.timedelta(hours=1))
    )

    assert tables.end_silence(silence, NOW + dt.timedelta(minutes=5))
    assert tables.acknowledgements()["f1"].person == "B. Iyer"
    assert run_requests.newest(reader, 1)[0].status == "cancelled"
    assert reader.execute("SELECT count(*) FROM predictions").fetchone() == (1,)


def test_the_reader_changes_and_deletes_nothing_else(connect):
    reader = connect(READER)
    may_update = {"alert_acknowledgements", "alert_silences", "run_requests"}  # some columns
    may_insert = may_update | {"predictions", "trials", "trial_events"}
    may_update |= {"data_version"}
    for table, column in reader.execute(TABLES).fetchall():
        assert reader.execute(f"SELECT FROM {table} LIMIT 1") is not None
        assert refused(reader, f"DELETE FROM {table}"), table
        assert refused(reader, f"TRUNCATE {table}"), table
        assert refused(reader, f"DROP TABLE {table}"), table
        if table not in may_update:
            assert refused(reader, f"UPDATE {table} SET {column} = {column}"), table
        if table not in may_insert:
            assert refused(reader, f"INSERT INTO {table} DEFAULT VALUES"), table
    for update in (
        "run_requests SET status = 'success'",
        "alert_silences SET person = ''",
        "alert_acknowledgements SET fingerprint = ''",
    ):
        assert refused(reader, f"UPDATE {update}"), update
    assert refused(reader, "CREATE TABLE mine (n integer)")


def test_the_reader_registers_and_stops_trials_and_decides_nothing_of_them(connect):
    reader, writer = TrialLog(connect(READER)), TrialLog(connect(WRITER))
    trial = registered_trial()
    reader.register(trial)
    for kind in ("better", "looked", "promoted", "failed"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="decides nothing"):
            reader.add_event(trial_event(trial, kind, session=MONDAY))
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="decides nothing"):
        reader.register(registered_trial(promotes=True))
    writer.register(registered_trial(promotes=True))
    assert writer.add_event(trial_event(trial, "looked", session=MONDAY))
    assert reader.add_event(trial_event(trial, "stopped"))
    assert [event.kind for event in reader.events(trial.hash)] == ["looked", "stopped"]


def test_the_writer_changes_no_schema(connect):
    writer = connect(WRITER)
    assert refused(writer, "DROP TABLE predictions")
    assert refused(writer, "ALTER TABLE model_events DISABLE TRIGGER ALL")
    assert refused(writer, "UPDATE alembic_version SET version_num = '9999'")
    assert refused(writer, "CREATE TABLE mine (n integer)")


def test_readers_see_which_run_holds_a_ticker(roles, connect):
    with psycopg.connect(roles, application_name="run 20260413_123000 pid 7"):
        names = connect(READER).execute("SELECT application_name FROM pg_stat_activity").fetchall()

    assert ("run 20260413_123000 pid 7",) in names


def test_for_the_reader_the_database_takes_changes_as_long_as_it_takes_the_writers(roles):
    as_reader = f"{roles}&options=-c%20role%3D{READER}"
    assert server_state(as_reader).refuses_writes == ""
    with psycopg.connect(roles) as connection:
        connection.execute(f"REVOKE INSERT ON pipeline_runs FROM {WRITER}")

    sentence = f"the role {WRITER} may not write to pipeline_runs"
    assert server_state(as_reader).refuses_writes == sentence
    assert server_state(as_reader.replace(READER, WRITER)).refuses_writes == sentence


def test_nobody_can_log_in_as_a_role(roles):
    with psycopg.connect(roles) as connection:
        logins = connection.execute(
            "SELECT rolcanlogin OR rolsuper FROM pg_roles WHERE rolname = ANY(%s)",
            ([OWNER, WRITER, READER],),
        ).fetchall()

    assert logins == [(False,)] * 3


def test_tables_that_came_without_roles_belong_to_them_after_the_next_migration(
    database_url, command
):
    with psycopg.connect(database_url, autocommit=True) as connection:
        before = connection.execute(
            "SELECT count(*) FROM pg_tables WHERE tableowner = %s", (OWNER,)
        )
        assert before.fetchone() == (0,)
        for _ in range(2):
            run = command("mlops.migrate", DATABASE_URL=database_url)
            assert (run.returncode, run.stderr) == (0, "")
            assert run.stdout.startswith("Schema already at ")
        owners = connection.execute(
            "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
        ).fetchall()
        assert owners == [(OWNER,), (WRITER,)]
        with psycopg.connect(database_url, options=f"-c role={READER}") as reader:
            assert reader.execute("SELECT FROM model_inputs LIMIT 1").fetchall() == []


def test_without_a_server_of_ones_own_there_is_nothing_to_migrate(command, home):
    run = command("mlops.migrate")

    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith("DATABASE_URL is not set: the embedded server needs no roles")
    assert not (home / "var").exists()
