"""The register of trials on a real PostgreSQL: what is registered stays as it is."""

import datetime as dt
import threading

import psycopg
import pytest

from src.core.errors import DatabaseRefused
from src.core.trials import ENDINGS, NoTrial, TrialEvent
from src.db.tables.trials import TrialLog
from tests.support.trials import registered_trial, trial_event

MONDAY = dt.date(2026, 4, 13)


@pytest.fixture
def connection(database_url):
    with psycopg.connect(database_url, autocommit=True) as opened:
        yield opened


@pytest.fixture
def log(connection):
    return TrialLog(connection)


def test_a_trial_comes_back_as_it_was_registered(log):
    written = registered_trial(
        settings={"refit_every": 21},
        tickers=("INFY.NS", "TCS.NS"),
        smallest_effect=0.1 + 0.2,
        promotes=True,
        configurations=3,
    )

    log.register(written)

    assert log.trials() == [written]
    assert log.find(written.hash[:12]) == written


def test_trials_run_until_they_end(log):
    stopped, judged, running = (registered_trial(reason=name) for name in "abc")
    other = registered_trial(pool="BSE")
    for trial in (stopped, judged, running, other):
        log.register(trial)

    assert log.add_event(trial_event(stopped, "stopped"))
    assert log.add_event(trial_event(judged, "looked", session=MONDAY))
    assert log.add_event(trial_event(judged, "equivalent", session=MONDAY))
    assert log.add_event(trial_event(running, "failed", session=MONDAY))

    assert log.running("NSE") == [running]
    assert {trial.hash for trial in log.running()} == {running.hash, other.hash}
    assert len(log.trials("NSE")) == 3


@pytest.mark.parametrize("kind", ENDINGS)
def test_a_trial_ends_once(log, kind):
    trial = registered_trial()
    log.register(trial)
    assert log.add_event(trial_event(trial, kind, session=MONDAY))
    for again in ENDINGS:
        assert not log.add_event(trial_event(trial, again, session=MONDAY))
    assert [event.kind for event in log.events(trial.hash)] == [kind]


@pytest.mark.parametrize("kind", ["looked", "failed"])
def test_looks_and_failures_are_kept_once_a_session(log, kind):
    trial = registered_trial()
    log.register(trial)
    assert log.add_event(trial_event(trial, kind, session=MONDAY))
    assert not log.add_event(trial_event(trial, kind, session=MONDAY, reason="another"))
    assert log.add_event(trial_event(trial, kind, session=MONDAY + dt.timedelta(days=1)))
    assert len(log.events()) == 2


def test_an_event_comes_back_as_it_was_written(log):
    trial = registered_trial()
    log.register(trial)
    written = trial_event(
        trial, "looked", session=MONDAY, evidence={"sessions": 126, "low": None, "gain": 0.004}
    )
    log.add_event(written)
    (back,) = log.events(trial.hash)
    assert back == TrialEvent(**vars(written) | {"event_id": back.event_id})


def test_a_trial_is_found_by_the_beginning_of_its_hash(log):
    trial = registered_trial()
    log.register(trial)
    assert log.find(f" {trial.hash[:8].upper()} ") == trial
    for prefix, why in (
        (trial.hash[:5], "too short"),
        ("", "too short"),
        ("zzzzzzzz", "There is no trial 'zzzzzzzz'"),
        ("%%%%%%%%", "There is no trial '%%%%%%%%'"),
    ):
        with pytest.raises(NoTrial, match=why):
            log.find(prefix)


@pytest.mark.parametrize("table", ["trials", "trial_events"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {} SET author = 'another'",
        "DELETE FROM {}",
        "TRUNCATE {} CASCADE",
        "UPDATE {} SET author = 'another' WHERE false",
    ],
)
def test_nothing_is_changed_or_deleted(connection, log, table, statement):
    trial = registered_trial()
    log.register(trial)
    log.add_event(trial_event(trial, "stopped"))
    with pytest.raises(psycopg.errors.Error, match="is append-only"):
        connection.execute(statement.format(table))
    assert log.trials() == [trial]


def test_a_row_that_a_superuser_changed_is_refused(connection, log):
    log.register(registered_trial())
    connection.execute("ALTER TABLE trials DISABLE TRIGGER trials_append_only")
    connection.execute("UPDATE trials SET max_sessions = 2520")
    with pytest.raises(DatabaseRefused, match="is not what was registered"):
        log.running()


def test_what_happens_to_trials_is_seen_by_those_who_poll_the_version(connection, log):
    def version():
        return connection.execute("SELECT n FROM data_version").fetchone()[0]

    before, trial = version(), registered_trial()
    log.register(trial)
    log.add_event(trial_event(trial, "stopped"))
    log.add_event(trial_event(trial, "stopped"))
    assert version() == before + 2


def test_only_one_registers_at_a_time(database_url, connection, log):
    entered = threading.Event()

    def register():
        with (
            psycopg.connect(database_url, autocommit=True) as other,
            TrialLog(other).exclusive(),
        ):
            entered.set()

    with log.exclusive():
        thread = threading.Thread(target=register)
        thread.start()
        assert not entered.wait(0.3)
    thread.join(10)
    assert entered.is_set()
