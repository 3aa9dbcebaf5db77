"""Messages on their way from the outbox, or the journal, to real servers."""

import time

import pytest

from src.core.messages import RETRY_FOR, Message
from src.monitoring.delivery.channels import Channel
from src.monitoring.delivery.journal import Content, Journal
from src.monitoring.delivery.send import deliver
from tests.support.alerts import DAY, HOUR, MINUTE, MONDAY


def message(name="stale", kind="firing", at=MONDAY):
    return Message(name, "stale", kind, "WARNING", at, f"WARNING: {name} {kind}", "It is stale.")


@pytest.fixture(params=["database", "journal"])
def outbox(request, home):
    """Where messages wait: ``outbox.put(message, …)`` adds some."""
    if request.param == "database":
        box = request.getfixturevalue("tables").outbox
        box.put = lambda *messages: box.add(messages)
    else:
        box = Journal(home)
        box.put = lambda *messages: box.write(Content(messages=box.read().messages + messages))
    return box


def outcomes(attempts):
    return [(attempt.channel, attempt.outcome) for attempt in attempts]


def test_a_message_is_sent_through_every_channel_once(outbox, receivers, channel):
    one, two = receivers(), receivers(202)
    channels = [channel(one), channel(two, "two")]
    outbox.put(message())

    assert sorted(outcomes(deliver(outbox, channels, MONDAY))) == [
        ("one", "delivered"),
        ("two", "delivered"),
    ]
    assert deliver(outbox, channels, MONDAY + HOUR) == []
    assert one.bodies == two.bodies
    assert one.bodies[0]["title"] == "WARNING: stale firing"
    assert one.bodies[0]["message"] == "It is stale."
    assert one.bodies[0]["type"] == "warning"


@pytest.mark.parametrize(("status", "reason"), [(302, "error=302"), (500, "error=500")])
def test_only_success_of_the_address_itself_is_delivery(outbox, receivers, channel, status, reason):
    receiver = receivers(status)
    outbox.put(message())

    (attempt,) = deliver(outbox, [channel(receiver)], MONDAY)

    assert attempt.outcome == "failed"
    assert reason in attempt.reason
    assert receiver.methods == ["POST"]
    receiver.answer = 200
    assert outcomes(deliver(outbox, [channel(receiver)], MONDAY + HOUR)) == [("one", "delivered")]


def test_a_redirection_is_not_followed_whatever_the_address_says(outbox, receivers, channel):
    receiver = receivers(302)
    outbox.put(message())

    (attempt,) = deliver(outbox, [channel(receiver, path="alerts?redirect=yes")], MONDAY)

    assert (attempt.outcome, receiver.methods) == ("failed", ["POST"])


def test_a_slow_receiver_is_waited_for(home, receivers, channel):
    receiver, outbox = receivers(7.0), Journal(home)
    outbox.write(Content(messages=(message(),)))

    assert outcomes(deliver(outbox, [channel(receiver)], MONDAY)) == [("one", "delivered")]
    assert len(receiver.bodies) == 1


def test_one_that_hangs_holds_up_no_other_and_may_be_told_twice(outbox, receivers, channel):
    hangs, works = receivers("hang"), receivers()
    outbox.put(message(), message("other", at=MONDAY + MINUTE))
    channels = [channel(hangs, "hangs", timeout=1.0), channel(works, "works", timeout=1.0)]

    began = time.monotonic()
    attempts = deliver(outbox, channels, MONDAY + MINUTE)

    assert time.monotonic() - began < 5
    assert sorted(outcomes(attempts)) == [
        ("hangs", "no_answer"),
        ("works", "delivered"),
        ("works", "delivered"),
    ]
    assert next(a.reason for a in attempts if a.channel == "hangs") == (
        "no answer within 1 seconds"
    )
    hangs.answer = 200
    deliver(outbox, channels, MONDAY + HOUR)
    assert len(hangs.bodies) == 3
    assert len(works.bodies) == 2


def test_an_answer_that_never_ends_is_left_after_a_time(outbox, receivers, channel, monkeypatch):
    monkeypatch.setattr("src.monitoring.delivery.send.GRACE", 1.0)
    receiver = receivers("drip")
    outbox.put(message())

    began = time.monotonic()
    (attempt,) = deliver(outbox, [channel(receiver, timeout=1.0)], MONDAY)

    assert time.monotonic() - began < 4
    assert (attempt.outcome, attempt.reason) == ("no_answer", "no end after 2 seconds")


def test_pauses_between_tries_grow_and_end_after_three_days(outbox, receivers, channel):
    receiver, tried = receivers(500), []
    outbox.put(message())

    for minute in range(0, 75):
        if deliver(outbox, [channel(receiver)], MONDAY + minute * MINUTE):
            tried.append(minute)
    assert tried == [0, 1, 3, 7, 15, 30, 45, 60]
    receiver.answer = 200
    assert deliver(outbox, [channel(receiver)], MONDAY + RETRY_FOR) == []


def test_receivers_that_are_down_ten_minutes_get_everything_once_they_are_back(
    outbox, receivers, channel
):
    down, works = receivers(500), receivers()
    channels = [channel(down, "down"), channel(works, "works")]
    outbox.put(message(), message("stale", "resolved", MONDAY + 4 * MINUTE))

    for minute in range(0, 27):
        down.answer = 500 if minute < 10 else 200
        deliver(outbox, channels, MONDAY + minute * MINUTE)
    both = ["WARNING: stale firing", "WARNING: stale resolved"]
    assert works.titles == both
    # In this order: a recovery never overtakes the trouble that it ends.
    assert [title for number, title in enumerate(down.titles) if number > 3] == both


def test_a_channel_that_is_new_gets_what_nobody_has_taken(outbox, receivers, channel):
    old, new = receivers(500), receivers()
    outbox.put(message("taken"), message("not taken", at=MONDAY + MINUTE))
    deliver(outbox, [], MONDAY + MINUTE)
    deliver(outbox, [channel(old, "old")], MONDAY + MINUTE)

    deliver(outbox, [channel(new, "new")], MONDAY + HOUR)

    assert new.titles == ["WARNING: taken firing", "WARNING: not taken firing"]


def test_an_address_of_no_known_kind_fails_with_a_reason(outbox):
    outbox.put(message())

    (attempt,) = deliver(outbox, [Channel("odd-1", "odd://127.0.0.1/x", 1.0)], MONDAY)

    assert (attempt.outcome, attempt.reason) == (
        "failed",
        "Apprise cannot use this odd:// address",
    )


def test_a_process_that_is_killed_while_it_sends_leaves_the_message_to_the_next(
    outbox, receivers, channel
):
    receiver = receivers()
    outbox.put(message())
    claim = 2 * MINUTE
    assert len(outbox.due(["one"], MONDAY, claim)) == 1

    assert deliver(outbox, [channel(receiver)], MONDAY + MINUTE) == []
    assert outcomes(deliver(outbox, [channel(receiver)], MONDAY + claim)) == [("one", "delivered")]


def test_what_is_long_over_is_forgotten(tables, connection, receivers, channel):
    tables.outbox.add([message()])
    deliver(tables.outbox, [channel(receivers())], MONDAY)

    tables.outbox.forget_old(MONDAY + 91 * DAY)

    for table in ("alert_messages", "alert_deliveries", "alert_attempts"):
        assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_each_try_is_kept_with_its_channel(tables, connection, receivers, channel):
    receiver = receivers(500)
    tables.outbox.add([message()])
    deliver(tables.outbox, [channel(receiver)], MONDAY)
    receiver.answer = 200
    deliver(tables.outbox, [channel(receiver)], MONDAY + MINUTE)

    rows = connection.execute(
        "SELECT channel, number, at, outcome FROM alert_attempts ORDER BY number"
    ).fetchall()
    assert rows == [
        ("one", 1, MONDAY, "failed"),
        ("one", 2, MONDAY + MINUTE, "delivered"),
    ]
