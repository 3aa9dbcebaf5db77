"""Send what waits in an outbox through every channel, at the same time."""

from __future__ import annotations

import datetime as dt
import queue
import threading
import time
from collections.abc import Sequence
from typing import Protocol

from src.config import logs
from src.core.messages import Attempt, Delivery, Outcome, Status
from src.monitoring.delivery.channels import Channel, load_apprise

log = logs.get(__name__)

# From a failure to the next try, doubled by every further one.
FIRST_PAUSE, LONGEST_PAUSE = dt.timedelta(minutes=1), dt.timedelta(minutes=15)
# Longer than a channel's own time limits: something that answers bit by bit evades those.
GRACE = 15.0  # seconds


class Outbox(Protocol):
    """What messages wait in: the database's tables, or the journal while it is away."""

    def due(self, channels: Sequence[str], now: dt.datetime, claim: dt.timedelta) -> list[Delivery]:
        """What is to be sent now, at most one message a channel, kept from others for a time."""

    def attempted(self, attempt: Attempt, status: Status, next_at: dt.datetime | None) -> None:
        """Note how a try went, and when the next one is due."""

    def leave_out(self, delivery: Delivery) -> None:
        """Note that the channel is not to get the message."""


class _Sending:
    """Tries under way, at most one a channel, each in a thread that nobody has to wait for."""

    def __init__(self, now: dt.datetime) -> None:
        self._now = now
        self._ended: queue.Queue[Attempt] = queue.Queue()
        self._running: dict[str, tuple[Delivery, float]] = {}

    def __bool__(self) -> bool:
        return bool(self._running)

    def start(self, channel: Channel, delivery: Delivery) -> None:
        load_apprise()
        self._running[channel.name] = delivery, time.monotonic()
        work = threading.Thread(target=self._try, args=(channel, delivery), daemon=True)
        work.start()

    def wait(self, until: float) -> list[Attempt]:
        """The next try that ends; at the time ``until`` all that have not."""
        try:
            attempt = self._ended.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            return [self._abandon(name) for name in sorted(self._running)]
        del self._running[attempt.channel]
        return [attempt]

    def _try(self, channel: Channel, delivery: Delivery) -> None:
        try:
            result = channel.send(delivery.message)
        except Exception as error:  # of any library that Apprise calls
            log.debug("A channel raised an error.", channel=channel.name, exc_info=True)
            result = "failed", 0.0, logs.without_secrets(f"{type(error).__name__}: {error}")
        self._ended.put(self._attempt(delivery, *result))

    def _abandon(self, name: str) -> Attempt:
        delivery, began = self._running.pop(name)
        seconds = time.monotonic() - began
        return self._attempt(delivery, "no_answer", seconds, f"no end after {seconds:.0f} seconds")

    def _attempt(
        self, delivery: Delivery, outcome: Outcome, seconds: float, reason: str
    ) -> Attempt:
        message, number = delivery.message, delivery.attempts + 1
        return Attempt(
            message.message_id, delivery.channel, number, self._now, seconds, outcome, reason
        )


def deliver(outbox: Outbox, channels: Sequence[Channel], now: dt.datetime) -> list[Attempt]:
    """Send what is due; a channel that fails is left alone until its next try is due.

    It ends after the longest time limit of a channel and some seconds, whatever channels do; what
    is still due then is for the next call.

    What was sent and could not be noted, as in a database that was lost, is sent again.
    """
    if not channels:
        return []
    by_name = {channel.name: channel for channel in channels}
    limit = max(channel.timeout for channel in channels) + GRACE
    until = time.monotonic() + limit
    idle, sending, attempts = set(by_name), _Sending(now), list[Attempt]()
    claim = dt.timedelta(seconds=2 * limit)
    while True:
        due = []
        if idle and time.monotonic() < until - GRACE:
            due = outbox.due(sorted(idle), now, claim)
        for delivery in due:
            channel = by_name[delivery.channel]
            if channel.takes(delivery.message):
                idle.discard(channel.name)
                sending.start(channel, delivery)
            else:
                outbox.leave_out(delivery)
        if due and not sending:
            continue
        if not sending:
            return attempts
        for attempt in sending.wait(until):
            outbox.attempted(attempt, *_what_next(attempt))
            attempts.append(attempt)
            if attempt.outcome == "delivered":
                idle.add(attempt.channel)


def _what_next(attempt: Attempt) -> tuple[Status, dt.datetime | None]:
    """How far its message is now, and when the next try is due."""
    if attempt.outcome == "delivered":
        return "delivered", None
    doubled = FIRST_PAUSE * 2 ** min(attempt.number - 1, 10)
    return "waiting", attempt.at + min(doubled, LONGEST_PAUSE)
