"""`python -m mlops.monitoring alerts` as a person types it."""

import pytest

from src.core.alerts import fingerprint_of
from src.core.calendars.nse import nse
from src.db.watched.alerts import AlertTables
from src.monitoring.delivery.channels import Channel
from src.monitoring.delivery.journal import Journal
from src.monitoring.delivery.record import raise_alerts
from tests.support.alerts import HOUR, MINUTE, MONDAY, rule, seen, table
from tests.support.receivers import Receiver

RULES = table(rule(pending_for=HOUR), rule("down", "CRITICAL"))
FINGERPRINT = fingerprint_of("down", "yahoo")
URLS = "FORECAST_MONITORING__ALERT_URLS"


@pytest.fixture
def alerts(command, database_url):
    variables = {"DATABASE_URL": database_url, "FORECAST_NOW": (MONDAY + HOUR).isoformat()}
    return lambda *arguments, **extra: command(
        "mlops.monitoring", "alerts", *arguments, **variables | extra
    )


@pytest.fixture
def look(connection, home):
    def at(now, *observations, channels=()):
        tables, journal = AlertTables(connection), Journal(home)
        raise_alerts(tables, journal, channels, observations, RULES, now, nse())

    return at


def down(*tickers):
    return [seen(True, ticker, "down", cause="yahoo") for ticker in tickers]


def test_what_is_wrong_is_listed_taken_and_silenced(alerts, look):
    assert alerts("list").stdout == "No alert is firing.\n"
    look(MONDAY, *down("B.NS", "A.NS"), seen(True), seen(True, "C.NS", "down"))
    look(MONDAY + MINUTE, *down("B.NS", "A.NS"), seen(True), seen(False, "C.NS", "down"))

    assert alerts("list").stdout.splitlines() == [
        "alert         severity  rule  of                  since                 state",
        f"{FINGERPRINT}  CRITICAL  down  yahoo (2 subjects)  2026-04-13 12:30 UTC  firing, nobody "
        "was told",
        "    A.NS is bad.",
    ]
    everything = alerts("list", "--all").stdout.splitlines()
    assert everything[3].split() == [
        "-",
        "-",
        "stale",
        "TCS.NS",
        "2026-04-13",
        "12:30",
        "UTC",
        "pending",
    ]
    assert "resolved 2026-04-13 12:31 UTC" in everything[5]

    taken = alerts("ack", FINGERPRINT[:6], "--by", "asha", "--note", "calling them")
    assert taken.stdout == (
        "asha takes care of down yahoo: it is quiet until it ends, but for what joins it later.\n"
    )
    assert "firing, taken by asha" in alerts("list").stdout

    silence = ("silence", "--subject", "yah*", "--hours", "2", "--reason", "work", "--by", "ravi")
    assert alerts(*silence).stdout == (
        "Silence 1: nothing is told of rule * of yah* until 2026-04-13 15:30 UTC. "
        "It hides 2 alerts now.\n"
    )
    listed = alerts("list").stdout.splitlines()
    assert listed[1].endswith("taken by asha, 2 silenced")
    assert listed[-1] == "Silence 1: rule * of yah* until 2026-04-13 15:30 UTC, by ravi: work"
    assert alerts("silence", "--end", "1").stdout == (
        "Silence 1 has ended: what still holds is told once.\n"
    )
    assert "Silence" not in alerts("list").stdout


def test_told_is_who_got_the_message(alerts, look):
    receiver = Receiver()
    look(MONDAY, *down("A.NS"), channels=[Channel("one", receiver.url("alerts"), 10.0)])
    receiver.close()

    assert len(receiver.bodies) == 1
    assert "firing, told 2026-04-13 12:30 UTC" in alerts("list").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        ((), 2, "ACTION"),
        (("ack",), 2, "fingerprint"),
        (("ack", "abcdef"), 1, "'abcdef' is none of them"),
        (("ack", ""), 1, "give a fingerprint as `alerts list` shows it"),
        (("silence", "--rule", "x", "--reason", "y"), 2, "--until"),
        (("silence", "--rule", "x", "--hours", "2"), 2, "needs a reason"),
        (("silence", "--hours", "2", "--reason", "y"), 2, "needs --rule or --subject"),
        (("silence", "--rule", "nosuch", "--hours", "2", "--reason", "y"), 2, "No rule is called"),
        (("silence", "--rule", "x", "--hours", "-1", "--reason", "y"), 2, "not a number of hours"),
        (("silence", "--rule", "x", "--hours", "nan", "--reason", "y"), 2, "not a number of hours"),
        (
            ("silence", "--rule", "x", "--until", "2020-01-01T00:00Z", "--reason", "y"),
            2,
            "must end after now",
        ),
        (("silence", "--end", "7"), 1, "There is no silence 7"),
        (("test",), 1, "No channel is configured"),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_one_sentence(alerts, arguments, code, sentence):
    ran = alerts(*arguments)

    assert (ran.returncode, ran.stdout) == (code, "")
    assert sentence in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_without_the_database_the_journal_is_listed(alerts, look):
    look(MONDAY, *down("A.NS"))

    ran = alerts("list", DATABASE_URL="postgresql://me@127.0.0.1:1/none")

    assert ran.returncode == 1
    assert FINGERPRINT in ran.stdout
    assert "does not answer" in ran.stderr
    assert "Shown is what this machine's journal knows." in ran.stderr


def test_every_channel_is_tried_and_each_result_is_printed(alerts):
    works, fails = Receiver(200), Receiver(302)
    urls = f"{works.url('t0kenOfOne')} {fails.url('t0kenOfTwo')}"
    database = "postgresql://me@127.0.0.1:1/none"

    ran = alerts("test", **{URLS: urls, "DATABASE_URL": database, "LOG_LEVEL": "DEBUG"})

    one, two = ran.stdout.splitlines()
    assert ran.returncode == 1
    assert one.endswith("s  delivered")
    assert two.endswith("error=302")
    assert "t0ken" not in ran.stdout + ran.stderr
    assert [len(receiver.bodies) for receiver in (works, fails)] == [1, 1]
    fails.answer = 200
    assert alerts("test", **{URLS: urls}).returncode == 0
    works.close()
    fails.close()


def test_an_unusable_setting_is_refused_without_quoting_the_key(alerts):
    ran = alerts("test", **{URLS: '{"slack": "t0kenOfOne"}'})

    assert ran.returncode == 1
    assert "FORECAST_MONITORING__ALERT_URLS" in ran.stderr
    assert "t0ken" not in ran.stderr
