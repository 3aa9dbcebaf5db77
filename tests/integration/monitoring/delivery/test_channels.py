"""Channels by Apprise: PagerDuty's incidents, and keys that stay out of every log."""

import logging

import pytest
from apprise.plugins import pagerduty, slack

from src.config.sections.services import MonitoringSettings
from src.config.settings import Settings
from src.core.messages import Message
from src.monitoring.delivery.channels import Channel, from_settings, load_apprise
from src.monitoring.delivery.journal import Content, Journal
from src.monitoring.delivery.send import deliver
from src.monitoring.delivery.trial import try_channels
from tests.support.alerts import HOUR, MONDAY
from tests.support.receivers import MailServer

FINGERPRINT = "3fa2c4d1e0ab"
KEYS = ("INTEGRATION-KEY-77", "APIKEY-88", "T1JJ3T3L2", "A1BRTD4JD", "TIiajkdnlazkcOXrIdevi7FQ")


def message(kind="firing", severity="CRITICAL", body="It is down."):
    title = f"{severity}: down [{FINGERPRINT}]"
    return Message(FINGERPRINT, "down", kind, severity, MONDAY, title, body)


@pytest.fixture
def pager(receivers, monkeypatch):
    """PagerDuty's place, taken by a server of our own."""
    receiver = receivers(202)
    monkeypatch.setitem(
        pagerduty.PAGERDUTY_API_LOOKUP, "us", f"http://127.0.0.1:{receiver.port}/v2/enqueue"
    )
    return receiver


@pytest.fixture
def pagerduty_channel():
    load_apprise()
    return Channel("pagerduty-1", f"pagerduty://{KEYS[0]}@{KEYS[1]}", 5.0)


def test_pagerduty_opens_and_closes_one_incident_by_the_fingerprint(pager, pagerduty_channel):
    for kind in ("firing", "repeat", "resolved"):
        assert pagerduty_channel.send(message(kind))[0] == "delivered"

    events = [(body["event_action"], body["dedup_key"]) for body in pager.bodies]
    assert events == [
        ("trigger", FINGERPRINT),
        ("trigger", FINGERPRINT),
        ("resolve", FINGERPRINT),
    ]
    assert pager.bodies[0]["routing_key"] == KEYS[0]
    assert pager.bodies[0]["payload"]["severity"] == "critical"
    assert FINGERPRINT in pager.bodies[0]["payload"]["summary"]


@pytest.mark.parametrize(
    ("severity", "theirs"), [("INFO", "info"), ("WARNING", "warning"), ("CRITICAL", "critical")]
)
def test_pagerduty_is_told_the_severity(pager, pagerduty_channel, severity, theirs):
    pagerduty_channel.send(message(severity=severity))

    assert pager.bodies[0]["payload"]["severity"] == theirs


def test_a_long_message_is_cut_where_a_channel_takes_no_more(pager, pagerduty_channel):
    outcome, _, _ = pagerduty_channel.send(message(body="x" * 5000))

    assert outcome == "delivered"
    summary = pager.bodies[0]["payload"]["summary"]
    assert len(summary) <= 1024
    assert FINGERPRINT in summary


def test_a_message_that_pagerduty_got_twice_is_one_incident(pager, pagerduty_channel, home):
    journal = Journal(home)
    journal.write(Content(messages=(message(),)))
    pager.answer = 500
    deliver(journal, [pagerduty_channel], MONDAY)
    pager.answer = 202
    deliver(journal, [pagerduty_channel], MONDAY + HOUR)

    assert {body["dedup_key"] for body in pager.bodies} == {FINGERPRINT}
    assert len(pager.bodies) == 2


def test_a_trial_reaches_every_channel_and_leaves_no_incident_open(
    pager, pagerduty_channel, receivers, channel
):
    works, fails = receivers(), receivers(500)

    attempts = try_channels(
        [channel(fails, "fails"), pagerduty_channel, channel(works, "works")], MONDAY
    )

    assert [(attempt.channel, attempt.outcome) for attempt in attempts] == [
        ("fails", "failed"),
        ("pagerduty-1", "delivered"),
        ("pagerduty-1", "delivered"),
        ("works", "delivered"),
    ]
    assert [body["event_action"] for body in pager.bodies] == ["trigger", "resolve"]
    assert "Nothing is wrong" in works.bodies[0]["message"]
    assert len(fails.bodies) == 1


def test_a_mail_is_sent_also_by_a_server_that_takes_its_time():
    server = MailServer(greets_after=5.0)
    place = f"mailto://127.0.0.1:{server.port}?from=forecast@example.org&to=asha@example.org"
    load_apprise()

    outcome, seconds, reason = Channel("mailto-1", place, 30.0).send(message())

    assert (outcome, reason) == ("delivered", "")
    assert seconds >= 5
    (mail,) = server.mails
    assert f"CRITICAL: down [{FINGERPRINT}]" in mail
    assert "It is down." in mail
    server.close()


def test_slack_is_told_through_its_webhook(receivers, monkeypatch):
    receiver = receivers()
    monkeypatch.setattr(slack.NotifySlack, "webhook_url", f"http://127.0.0.1:{receiver.port}")
    place = f"slack://{KEYS[2]}/{KEYS[3]}/{KEYS[4]}/#general"
    load_apprise()

    outcome, _, _ = Channel("slack-1", place, 5.0).send(message())

    assert outcome == "delivered"
    assert FINGERPRINT in str(receiver.bodies[0])
    assert "It is down." in str(receiver.bodies[0])


@pytest.mark.parametrize("kept_in", ["database", "journal"])
def test_a_digest_is_no_incident(pager, pagerduty_channel, receivers, channel, kept_in, request):
    works, messages = receivers(), [message("digest", "INFO"), message()]
    if kept_in == "database":
        outbox = request.getfixturevalue("tables").outbox
        outbox.add(messages)
    else:
        outbox = Journal(request.getfixturevalue("home"))
        outbox.write(Content(messages=tuple(messages)))

    for hour in range(2):
        deliver(outbox, [pagerduty_channel, channel(works)], MONDAY + hour * HOUR)

    assert len(works.bodies) == 2
    assert [body["payload"]["severity"] for body in pager.bodies] == ["critical"]


@pytest.mark.parametrize("answer", [200, 500])
def test_no_key_is_in_any_log_at_debug(logged, receivers, pager, monkeypatch, answer, home, capfd):
    receiver = receivers(answer)
    pager.answer = answer
    monkeypatch.setattr(slack.NotifySlack, "webhook_url", f"http://127.0.0.1:{receiver.port}")
    urls = (
        f"pagerduty://{KEYS[0]}@{KEYS[1]}",
        f"slack://{KEYS[2]}/{KEYS[3]}/{KEYS[4]}/#general",
        f"json://someone:pa.ss-w0rd@127.0.0.1:{receiver.port}/hooks/h00ktoken?+X-Token=headertoken1",
        f"mailto://someone:mailpa55word@127.0.0.1:{receiver.port}?to=a@example.org",
        "slack://not/a/valid-slack-token",
        "json://127.0.0.1:1/refusedtoken",
    )
    settings = Settings(
        home=home, log_level="DEBUG", monitoring=MonitoringSettings(alert_urls=urls)
    )
    journal = Journal(home)
    journal.write(Content(messages=(message(),)))

    attempts = deliver(journal, from_settings(settings), MONDAY)

    assert len(attempts) == len(urls)
    logging.getLogger("requests").error("failed: http://hooks/%s and pa.ss-w0rd", KEYS[4])
    try:
        raise ValueError(urls[0])
    except ValueError:
        logging.getLogger("anywhere").exception("A traceback.")
    output = capfd.readouterr()
    seen = logged() + output.out + output.err + repr(attempts) + repr(from_settings(settings))
    seen += journal.read().__repr__() + repr(settings)
    secrets = (*KEYS, "pa.ss-w0rd", "h00ktoken", "headertoken1", "mailpa55word")
    for secret in (*secrets, "valid-slack-token", "refusedtoken"):
        assert secret not in seen
    assert "failed: http://hooks/*** and ***" in seen
    assert "A traceback." in seen
