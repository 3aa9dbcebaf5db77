"""Messages about alerts, and how they come to those who are to be told.

Times are aware.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import Literal

from src.core.alerts import Kind, Severity

Outcome = Literal["delivered", "failed", "no_answer"]
Status = Literal["waiting", "delivered", "given_up"]
# A message that no try could deliver in this time is given up.
RETRY_FOR = dt.timedelta(days=3)


@dataclass(frozen=True)
class Message:
    """What every channel is to tell once.

    Attributes:
        fingerprint: Of the group that it is about; the same in all messages about it.
        rule: Of that group.
        kind: Why it is sent.
        severity: INFO, WARNING or CRITICAL.
        at: When it was written.
        title: One line that begins with the severity and ends with the fingerprint.
        body: Plain lines.
    """

    fingerprint: str
    rule: str
    kind: Kind
    severity: Severity
    at: dt.datetime
    title: str
    body: str

    @property
    def message_id(self) -> str:
        """The same for the same message, wherever it is stored."""
        text = f"{self.fingerprint}\n{self.kind}\n{self.at.timestamp()}"
        return hashlib.sha256(text.encode()).hexdigest()[:24]


@dataclass(frozen=True)
class Attempt:
    """One try to send a message through a channel.

    Attributes:
        message_id: Of the message.
        channel: Name of the channel.
        number: 1 for the first.
        at: When it began.
        seconds: How long it took.
        outcome: ``no_answer`` where it may have been delivered all the same.
        reason: Why it failed; empty if delivered.
    """

    message_id: str
    channel: str
    number: int
    at: dt.datetime
    seconds: float
    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True)
class Delivery:
    """A message that waits to be sent through a channel, after so many failed tries."""

    message: Message
    channel: str
    attempts: int = 0


@dataclass(frozen=True)
class Waiting:
    """How far a message has come with a channel.

    Attributes:
        message_id: Of the message.
        channel: Name of the channel.
        status: ``waiting``, ``delivered``, or ``given_up`` when it had become too old, or is not
            for this channel.
        attempts: Tries so far.
        next_at: Not to be tried before; None for at once.
    """

    message_id: str
    channel: str
    status: Status = "waiting"
    attempts: int = 0
    next_at: dt.datetime | None = None


@dataclass(frozen=True)
class ChannelRecord:
    """How a channel has done in the last days.

    Attributes:
        channel: Its name.
        delivered_at: When it last took a message; None if it never did.
        failures: Tries that have failed since.
        waiting: Messages that wait for it.
        reason: Why the last try failed; empty if it did not.
    """

    channel: str
    delivered_at: dt.datetime | None
    failures: int
    waiting: int
    reason: str
