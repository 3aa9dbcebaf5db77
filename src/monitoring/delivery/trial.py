"""Try every channel with a message that says it is a test."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from src.core.alerts import fingerprint_of
from src.core.messages import Attempt, Delivery, Message, Status
from src.monitoring.delivery.channels import Channel
from src.monitoring.delivery.send import deliver

RULE = "channel_test"


class _Trial:
    """An outbox that holds a test for each channel, and tries none twice.

    Where a message opens an incident a second one closes it.
    """

    def __init__(self, channels: Sequence[Channel], now: dt.datetime) -> None:
        message = _message(now)
        over = replace(message, kind="resolved", title=message.title.replace("INFO", "RESOLVED"))
        self._left = {
            channel.name: [message, over] if channel.keeps_incidents else [message]
            for channel in channels
        }

    def due(self, channels: Sequence[str], _now: dt.datetime, _claim: object) -> list[Delivery]:
        """The next message of each channel that has one."""
        return [Delivery(self._left[name].pop(0), name) for name in channels if self._left[name]]

    def attempted(self, attempt: Attempt, status: Status, next_at: object) -> None:
        """Nothing is kept of a test."""

    def leave_out(self, delivery: Delivery) -> None:
        """As above."""


def try_channels(channels: Sequence[Channel], now: dt.datetime) -> list[Attempt]:
    """How it went with each channel, in their order; one that closes its incident counts twice."""
    order = [channel.name for channel in channels]
    attempts = deliver(_Trial(channels, now), channels, now)
    return sorted(attempts, key=lambda attempt: order.index(attempt.channel))


def _message(now: dt.datetime) -> Message:
    fingerprint = fingerprint_of(RULE, "")
    return Message(
        fingerprint=fingerprint,
        rule=RULE,
        kind="test",
        severity="INFO",
        at=now,
        title=f"INFO: {RULE} [{fingerprint}]",
        body="This is a test of tcsns-forecast: alerts reach you here. Nothing is wrong.",
    )
