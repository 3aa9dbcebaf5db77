"""Alerts over an hour in which every kind of broken receiver stands beside one that works."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest
from apprise.plugins import pagerduty

from src.core.alerts import States
from src.core.calendars.nse import nse
from src.monitoring.alerts.state import step
from src.monitoring.delivery.channels import Channel
from src.monitoring.delivery.journal import Journal
from src.monitoring.delivery.record import raise_alerts
from src.monitoring.delivery.send import deliver
from tests.conftest import ROOT
from tests.support.alerts import HOUR, MINUTE, MONDAY, rule, seen, table

RULES = table(rule(repeat_after=None))
TICKERS = [f"T{number}.NS" for number in range(4)]

SEND = """
import datetime as dt, sys
import psycopg
from src.db.watched.alerts import AlertTables
from src.monitoring.delivery.channels import Channel
from src.monitoring.delivery.send import deliver
with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    now = dt.datetime.fromisoformat(sys.argv[3])
    deliver(AlertTables(connection).outbox, [Channel("one", sys.argv[2], 30.0)], now)
"""


@pytest.mark.slow
def test_whatever_others_do_the_working_ones_see_every_alert(tables, home, receivers, monkeypatch):
    answers = {
        "works": 200,
        "down": 500,
        "moved": 302,
        "hangs": "hang",
        "slow": 0.5,
        "late": 1.5,
    }
    servers = {name: receivers(answer) for name, answer in answers.items()}
    pager = receivers(202)
    place = f"http://127.0.0.1:{pager.port}/v2/enqueue"
    monkeypatch.setitem(pagerduty.PAGERDUTY_API_LOOKUP, "us", place)
    channels = [Channel(name, server.url(), 1.0) for name, server in servers.items()]
    channels.append(Channel("pagerduty", "pagerduty://integrationkey@apikeyapikey", 1.0))
    journal, longest = Journal(home), 0.0

    # Each round waits for those that do not answer.
    for minute in range(0, 60, 4):
        servers["down"].answer = 500 if minute < 10 else 200
        # A fault begins every two minutes, and all end at half past.
        bad = [seen(minute < 30, ticker) for ticker in TICKERS[: minute // 2 + 1]]
        began = time.monotonic()
        raise_alerts(tables, journal, channels, bad, RULES, MONDAY + minute * MINUTE, nse())
        longest = max(longest, time.monotonic() - began)

    wanted = Counter(f"{ticker} is {state}." for ticker in TICKERS for state in ("bad", "good"))
    seen_by = {
        name: Counter(body["message"].splitlines()[0] for body in server.bodies)
        for name, server in servers.items()
    }
    assert seen_by["works"] == seen_by["slow"] == wanted
    assert set(seen_by["down"]) == set(wanted)
    assert {body["event_action"] for body in pager.bodies} == {"trigger", "resolve"}
    assert len({body["dedup_key"] for body in pager.bodies}) == len(TICKERS)
    assert len(pager.bodies) == 2 * len(TICKERS)
    # One that is too slow has got it, and what is known of it says so.
    assert set(seen_by["late"])
    records = {record.channel: record for record in tables.outbox.records(MONDAY - HOUR)}
    assert records["works"].failures == records["down"].failures == 0
    assert records["moved"].waiting == records["late"].waiting == 2 * len(TICKERS)
    assert records["late"].reason == "no answer within 1 seconds"
    # Nobody waits for the one that hangs, which is for ever; a busy machine takes its time too.
    assert longest < 30


def test_a_process_killed_while_it_sends_costs_a_repetition_at_most(
    tables, database_url, receivers, channel
):
    receiver = receivers("hang")
    raise_alerts_once(tables)
    process = subprocess.Popen(
        [sys.executable, "-c", SEND, database_url, receiver.url(), MONDAY.isoformat()], cwd=ROOT
    )
    deadline = time.monotonic() + 60
    while not receiver.bodies and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    receiver.answer = 200

    attempts = deliver(tables.outbox, [channel(receiver)], MONDAY + HOUR)

    assert [attempt.outcome for attempt in attempts] == ["delivered"]
    assert [body["title"] for body in receiver.bodies] == [receiver.bodies[0]["title"]] * 2


def raise_alerts_once(tables):
    with tables.exclusive():
        result = step(States(), [seen(True)], RULES, [], {}, MONDAY, nse())
        tables.store(States(), result.states, result.messages)
