"""Keep alerts and messages below ``var/alerts`` for the time when the database is away.

    var/alerts/journal.json    what was last known, and what has happened since the database left

One process writes at a time. Where the file cannot be written either, the process goes on with
what it has in memory, and says so.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from src.config import logs
from src.core.alerts import Acknowledgement, Alert, AlertGroup, Silence, States
from src.core.messages import RETRY_FOR, Attempt, Delivery, Message, Status, Waiting
from src.registry.storage.files import make_folder, only_writer
from src.registry.storage.files import replace as replace_file

if TYPE_CHECKING:
    from pydantic import TypeAdapter

log = logs.get(__name__)

FOLDER = Path("var") / "alerts"
FILE = "journal.json"


@dataclass(frozen=True)
class Content:
    """What the journal holds.

    Attributes:
        offline: Whether something happened that the database does not know.
        alerts: All that are known.
        groups: As above.
        silences: As they were when the database was last seen, as the acknowledgements.
        acknowledgements: As above.
        messages: Written since the database left.
        deliveries: How far these have come.
        attempts: Tries to send them.
    """

    offline: bool = False
    alerts: tuple[Alert, ...] = ()
    groups: tuple[AlertGroup, ...] = ()
    silences: tuple[Silence, ...] = ()
    acknowledgements: tuple[Acknowledgement, ...] = ()
    messages: tuple[Message, ...] = ()
    deliveries: tuple[Waiting, ...] = ()
    attempts: tuple[Attempt, ...] = ()

    @property
    def states(self) -> States:
        """Alerts and groups by their keys."""
        return States(
            {alert.key: alert for alert in self.alerts}, {group.key: group for group in self.groups}
        )

    def with_states(self, states: States) -> Content:
        """The same with other alerts and groups."""
        alerts, groups = tuple(states.alerts.values()), tuple(states.groups.values())
        return replace(self, alerts=alerts, groups=groups)


class Journal:
    """The journal of a home folder.

    Args:
        home: The folder that ``var/alerts`` is below.
    """

    def __init__(self, home: Path) -> None:
        self._folder = home / FOLDER
        self._in_memory: Content | None = None

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep other processes from changing it meanwhile."""
        try:
            lock = only_writer(self._folder)
            lock.__enter__()
        except OSError:
            yield
            return
        try:
            yield
        finally:
            lock.__exit__(None, None, None)

    def read(self) -> Content:
        """What it holds; nothing if it cannot be read."""
        if self._in_memory is not None:
            return self._in_memory
        try:
            return _adapter().validate_json((self._folder / FILE).read_bytes())
        except FileNotFoundError:
            return Content()
        except (OSError, ValueError) as error:
            reason = type(error).__name__
            log.error(f"The journal of alerts {self._folder / FILE} cannot be read ({reason}).")
            return Content()

    def write(self, content: Content) -> None:
        """Replace what it holds; in ``exclusive`` only."""
        try:
            make_folder(self._folder)
            replace_file(self._folder / FILE, _adapter().dump_json(content), self._folder)
            self._in_memory = None
        except OSError as error:
            if self._in_memory is None:
                log.error(
                    f"The journal of alerts in {self._folder} cannot be written "
                    f"({error.strerror}): it is kept in memory."
                )
            self._in_memory = content

    def due(self, channels: Sequence[str], now: dt.datetime, claim: dt.timedelta) -> list[Delivery]:
        """What is to be sent now, at most one message a channel; see ``db.tables.outbox``."""
        with self.exclusive():
            content = self.read()
            ways = {(way.message_id, way.channel): way for way in content.deliveries}
            due = [
                delivery
                for channel in channels
                if (delivery := _first_due(content.messages, ways, channel, now)) is not None
            ]
            if due:
                for delivery in due:
                    key = delivery.message.message_id, delivery.channel
                    ways[key] = Waiting(*key, "waiting", delivery.attempts, now + claim)
                self.write(replace(content, deliveries=tuple(ways.values())))
            return due

    def attempted(self, attempt: Attempt, status: Status, next_at: dt.datetime | None) -> None:
        """Note how a try went, and when the next one is due."""
        way = Waiting(attempt.message_id, attempt.channel, status, attempt.number, next_at)
        self._note(way, [attempt])

    def leave_out(self, delivery: Delivery) -> None:
        """Note that the channel is not to get the message."""
        self._note(Waiting(delivery.message.message_id, delivery.channel, "given_up"), [])

    def _note(self, way: Waiting, attempts: Sequence[Attempt]) -> None:
        with self.exclusive():
            content = self.read()
            if not any(way.message_id == message.message_id for message in content.messages):
                return  # another process has handed it over to the database
            others = [
                other
                for other in content.deliveries
                if (other.message_id, other.channel) != (way.message_id, way.channel)
            ]
            attempts = (*content.attempts, *attempts)
            self.write(replace(content, deliveries=(*others, way), attempts=attempts))


def _first_due(
    messages: Sequence[Message],
    ways: dict[tuple[str, str], Waiting],
    channel: str,
    now: dt.datetime,
) -> Delivery | None:
    """The oldest message for a channel that is due; those about one group stay in their order."""
    behind: set[str] = set()
    for message in messages:
        way = ways.get((message.message_id, channel), Waiting(message.message_id, channel))
        if way.status != "waiting" or message.at <= now - RETRY_FOR:
            continue
        if message.fingerprint in behind:
            continue
        if way.next_at is None or way.next_at <= now:
            return Delivery(message, channel, way.attempts)
        behind.add(message.fingerprint)
    return None


@cache
def _adapter() -> TypeAdapter[Content]:
    from pydantic import TypeAdapter

    return TypeAdapter(Content)
