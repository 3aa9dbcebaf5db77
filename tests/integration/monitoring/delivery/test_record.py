"""Alerts through states, outbox and journal to real servers, with the database there or away."""

import threading

import psycopg
import pytest

from src.core.alerts import Acknowledgement, Silence, fingerprint_of
from src.core.calendars.nse import nse
from src.db.watched.alerts import AlertTables
from src.monitoring.delivery.journal import FILE, FOLDER, Content, Journal
from src.monitoring.delivery.record import raise_alerts
from tests.support.alerts import HOUR, MINUTE, MONDAY, rule, seen, table

RULES = table(rule(), rule("down", "CRITICAL", repeat_after=None))


@pytest.fixture
def receiver(receivers):
    return receivers()


@pytest.fixture
def look(tables, home, receiver, channel):
    """Observe and raise alerts; ``away=True`` without the database."""
    journal = Journal(home)

    def at(now, *observations, away=False, to=tables, through=None):
        channels = [channel(receiver)] if through is None else through
        return raise_alerts(
            None if away else to, journal, channels, observations, RULES, now, nse()
        )

    return at


def kinds(receiver):
    return [body["message"].splitlines()[0] for body in receiver.bodies]


def test_states_outlive_the_process_and_everything_is_told_once(look, receiver, tables):
    for minute in range(5):
        look(MONDAY + minute * MINUTE, seen(True))
    look(MONDAY + HOUR, seen(False))
    look(MONDAY + 2 * HOUR, seen(False))

    assert kinds(receiver) == ["TCS.NS is bad.", "TCS.NS is good."]
    (alert,) = tables.load().alerts.values()
    assert (alert.state, alert.resolved_at) == ("resolved", MONDAY + HOUR)
    assert tables.load().groups == {}


def test_what_is_stored_is_what_was_known(look, tables):
    (result, _) = look(
        MONDAY, seen(True, cause="yahoo", value=2.5), seen(True, "B.NS", cause="yahoo"), seen(None)
    )

    assert tables.load() == result.states


def test_two_watchers_tell_once(database_url, home, receiver, channel):
    def watch(number):
        with psycopg.connect(database_url, autocommit=True) as own:
            journal = Journal(home / str(number))
            for second in range(3):
                raise_alerts(
                    AlertTables(own),
                    journal,
                    [channel(receiver)],
                    [seen(True)],
                    RULES,
                    MONDAY + second * MINUTE / 60,
                    nse(),
                )

    threads = [threading.Thread(target=watch, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert kinds(receiver) == ["TCS.NS is bad."]


def test_the_end_of_a_fault_ends_who_took_care_of_it(look, tables):
    look(MONDAY, seen(True))
    fingerprint = fingerprint_of("stale", "TCS.NS")
    tables.acknowledge(Acknowledgement(fingerprint, "asha", MONDAY, "looking"))
    assert tables.acknowledgements()[fingerprint].person == "asha"
    tables.acknowledge(Acknowledgement(fingerprint, "ravi", MONDAY))
    assert tables.acknowledgements()[fingerprint].person == "ravi"

    look(MONDAY + HOUR, seen(False))

    assert tables.acknowledgements() == {}


def test_a_silence_is_kept_until_it_ends_or_is_ended(look, tables, receiver):
    silence = Silence("stale", "*", "work", "asha", MONDAY, MONDAY + 2 * HOUR)
    number = tables.silence(silence)
    look(MONDAY, seen(True))
    assert receiver.bodies == []
    assert [kept.silence_id for kept in tables.silences(MONDAY + HOUR)] == [number]
    assert tables.silences(MONDAY + 2 * HOUR) == []

    assert tables.end_silence(number, MONDAY + HOUR)
    look(MONDAY + HOUR, seen(True))

    assert kinds(receiver) == ["TCS.NS is bad."]
    assert not tables.end_silence(number, MONDAY + HOUR)


def test_without_the_database_alerts_go_on_and_it_learns_of_them_later(look, tables, receiver):
    look(MONDAY, seen(True), seen(False, "", "down"))
    look(MONDAY + HOUR, seen(None), seen(True, "", "down"), away=True)
    look(MONDAY + 2 * HOUR, seen(None), seen(True, "", "down"), away=True)
    assert kinds(receiver) == ["TCS.NS is bad.", " is bad."]

    look(MONDAY + 3 * HOUR, seen(True), seen(False, "", "down"))

    assert kinds(receiver) == ["TCS.NS is bad.", " is bad.", " is good."]
    assert {alert.state for alert in tables.load().alerts.values()} == {"firing", "resolved"}


def test_what_could_not_be_sent_while_the_database_was_away_is_sent_after_it(
    look, connection, receiver
):
    receiver.answer = 500
    look(MONDAY, seen(True, "", "down"), away=True)
    receiver.answer = 200
    look(MONDAY + HOUR, seen(True, "", "down"))
    look(MONDAY + 2 * HOUR, seen(True, "", "down"))

    assert len(receiver.bodies) == 2
    rows = connection.execute("SELECT number, outcome FROM alert_attempts ORDER BY number")
    assert rows.fetchall() == [(1, "failed"), (2, "delivered")]


def test_what_was_sent_while_the_database_was_away_is_not_sent_again(look, home, receiver, tables):
    look(MONDAY, seen(True, "", "down"), away=True)
    journal = (home / FOLDER / FILE).read_bytes()
    look(MONDAY + MINUTE, seen(True, "", "down"))
    # As if it had been killed before the journal was cleared.
    (home / FOLDER / FILE).write_bytes(journal)
    look(MONDAY + 2 * MINUTE, seen(True, "", "down"))

    assert len(receiver.bodies) == 1
    assert not Journal(home).read().offline


def test_a_silence_holds_without_the_database(look, tables, receiver):
    tables.silence(Silence("*", "*", "work", "asha", MONDAY, MONDAY + 2 * HOUR))
    look(MONDAY, seen(False))

    look(MONDAY + HOUR, seen(True), away=True)

    assert receiver.bodies == []


@pytest.mark.parametrize("how", ["SET default_transaction_read_only = on", "closed", "killed"])
def test_a_database_that_refuses_or_is_lost_is_as_one_that_is_away(
    look, database_url, connection, receiver, home, how
):
    look(MONDAY, seen(False))
    own = psycopg.connect(database_url, autocommit=True)
    if how == "closed":
        own.close()
    elif how == "killed":
        connection.execute("SELECT pg_terminate_backend(%s)", (own.info.backend_pid,))
    else:
        own.execute(how)

    look(MONDAY + MINUTE, seen(True), to=AlertTables(own))

    assert kinds(receiver) == ["TCS.NS is bad."]
    assert Journal(home).read().offline
    assert connection.execute("SELECT count(*) FROM alerts").fetchone() == (0,)
    own.close()


def test_where_nothing_can_be_written_alerts_are_told_once_all_the_same(look, home, receiver):
    (home / "var").write_text("a file where a folder should be")

    for minute in range(3):
        look(MONDAY + minute * MINUTE, seen(True), away=True)
    look(MONDAY + HOUR, seen(False), away=True)

    assert kinds(receiver) == ["TCS.NS is bad.", "TCS.NS is good."]


@pytest.mark.parametrize("content", [b"", b"{", b'{"alerts": 3}'])
def test_a_damaged_journal_is_as_none(home, content, logged):
    journal = Journal(home)
    journal.write(Content(offline=True))
    (home / FOLDER / FILE).write_bytes(content)

    assert Journal(home).read() == Content()
    assert "cannot be read" in logged()


def test_deleting_the_newest_features_during_an_alert_is_no_recovery(look, receiver):
    look(MONDAY, seen(True), seen(True, "B.NS"))
    look(MONDAY + HOUR)
    look(MONDAY + 2 * HOUR, seen(None))

    assert kinds(receiver) == ["B.NS is bad.", "TCS.NS is bad."]
