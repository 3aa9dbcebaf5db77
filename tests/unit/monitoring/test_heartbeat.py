"""What a heartbeat service is told of a run, over real HTTP."""

import datetime as dt
import time

import pytest

from src.monitoring.heartbeat import Heartbeat, verdict
from tests.support.heartbeats import HeartbeatService

WEDNESDAY, THURSDAY = dt.date(2026, 4, 15), dt.date(2026, 4, 16)
DONE = {"pipeline_id": "20260416_130000", "status": "success"}


@pytest.mark.parametrize(
    ("status", "before", "after", "signal", "words"),
    [
        ("success", WEDNESDAY, THURSDAY, "success", "the newest session is 2026-04-16"),
        ("partial", WEDNESDAY, THURSDAY, "success", "status partial"),
        ("success", THURSDAY, THURSDAY, "success", "the newest session is 2026-04-16"),
        ("success", None, WEDNESDAY, "fail", "still 2026-04-15, though 2026-04-16 has closed"),
        ("success", WEDNESDAY, WEDNESDAY, "fail", "still 2026-04-15, though 2026-04-16 has closed"),
        ("success", dt.date(2026, 4, 13), WEDNESDAY, "success", "advanced to 2026-04-15"),
        ("success", None, None, "fail", "there are no features"),
    ],
)
def test_success_is_told_only_of_a_run_that_brought_the_session(
    status, before, after, signal, words
):
    told, sentence = verdict(DONE | {"status": status}, before, after, THURSDAY)
    assert (told, words in sentence) == (signal, True), sentence


def test_a_failed_run_tells_its_error():
    results = DONE | {"status": "failed", "error": "The disk is full."}
    assert verdict(results, WEDNESDAY, THURSDAY, THURSDAY) == ("fail", "The disk is full.")


@pytest.fixture
def receiver():
    made = []

    def make(**behaviour):
        made.append(HeartbeatService(**behaviour))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_start_and_success_and_fail_have_their_addresses_and_share_an_id(receiver):
    service = receiver()
    for last, body in (("success", "Done."), ("fail", "The disk is full.")):
        heartbeat = Heartbeat(service.url, f"run of {last}")
        heartbeat.send("start")
        heartbeat.send(last, body)
        heartbeat.wait()
    (start, _), (success, done), (_, _), (fail, why) = service.got
    assert start.startswith("/ping/0a1b/start?rid=")
    assert success.startswith("/ping/0a1b?rid=")
    assert fail.startswith("/ping/0a1b/fail?rid=")
    assert (done, why) == ("Done.", "The disk is full.")
    assert start.partition("rid=")[2] == success.partition("rid=")[2] != fail.partition("rid=")[2]


def test_a_slow_service_gets_both_signals_and_delays_a_run_by_less_than_a_second(receiver):
    service = receiver(delay=3)
    heartbeat = Heartbeat(service.url, "a run")
    began = time.monotonic()
    heartbeat.send("start")
    heartbeat.send("success", "Done.")
    heartbeat.wait()
    assert time.monotonic() - began < 1
    assert [path.partition("?")[0] for path, _ in service.got] == [
        "/ping/0a1b/start",
        "/ping/0a1b",
    ]


@pytest.mark.parametrize("behaviour", [{"status": 500}, {"status": 302}])
def test_a_service_that_refuses_or_redirects_is_not_followed(receiver, behaviour):
    service = receiver(**behaviour)
    heartbeat = Heartbeat(service.url, "a run")
    heartbeat.send("success", "Done.")
    heartbeat.wait()
    assert len(service.got) == 1


@pytest.mark.parametrize("url", [None, "http://127.0.0.1:9/x", "not a url", "ftp://example.org"])
def test_no_service_or_none_that_answers_changes_nothing(url):
    heartbeat = Heartbeat(url, "a run")
    heartbeat.send("start")
    heartbeat.send("fail", "It broke.")
    heartbeat.wait()
