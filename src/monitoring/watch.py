"""Evaluate all rules, and tell what is to be told: once, or every minute."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from src.config import logs
from src.core.alerts import SEVERITIES
from src.core.calendars.nse import nse
from src.core.errors import ForecastError, UnwritableFolder, UsageError, one_line
from src.monitoring import digest
from src.monitoring.checks.machine import last_watch, note_watch, watch_age
from src.monitoring.checks.run import APPLICATION, UNREACHABLE, observe
from src.monitoring.checks.sessions import calendar_of_tickers
from src.monitoring.delivery.channels import from_settings
from src.monitoring.delivery.journal import Journal
from src.monitoring.delivery.record import raise_alerts
from src.monitoring.metrics.points import MetricsFolder, make_point
from src.monitoring.observation import Observation
from src.monitoring.rules import RULES

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.core.calendars.calendar import Calendar
    from src.core.messages import Attempt, Message
    from src.db.watched.alerts import AlertTables

log = logs.get(__name__)

EVERY = 60.0  # seconds
# Minutes between metrics: a year of every minute would be a million lines.
RECORDED_EVERY = 5
AT_WORK = Observation("watch_silent", "", False, "The watch is at work.")


@dataclass(frozen=True)
class Look:
    """What came of one evaluation.

    Attributes:
        bad: How many observations are bad.
        messages: What is told because of it.
        attempts: Tries to send these, and messages of before.
    """

    bad: int
    messages: tuple[Message, ...]
    attempts: list[Attempt]


class Watcher:
    """Evaluates the rules of an installation again and again.

    The journal of the time without a database belongs to it: it is kept in memory where the disk
    cannot be written either.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._journal = Journal(settings.home)
        self._channels = from_settings(settings)

    def look(self, now: dt.datetime, observations: Sequence[Observation] = ()) -> Look:
        """Evaluate all rules at ``now``, an aware time, and send what is to be told.

        Never raises for anything that is broken in what it watches: that is what it tells.

        Args:
            now: The time of the evaluation.
            observations: In the place of those of the same rule.
        """
        replaced = {row.rule for row in observations}
        found = [row for row in observe(self._settings, now) if row.rule not in replaced]
        found += observations
        calendar = _calendar(self._settings)
        if any(row.rule == UNREACHABLE and row.bad for row in found):
            return self._tell(None, found, now, calendar)
        try:
            return self._tell_in_database(found, now, calendar)
        except ForecastError as error:
            log.warning(f"Alerts are kept in the journal: {error}")
            return self._tell(None, found, now, calendar)

    def _tell_in_database(
        self, found: Sequence[Observation], now: dt.datetime, calendar: Calendar
    ) -> Look:
        from src.db.database import open_connection
        from src.db.watched.alerts import AlertTables

        opened = open_connection(self._settings.server, self._settings.home, APPLICATION)
        with opened as (_, connection):
            tables = AlertTables(connection)
            _add_digests(tables, now)
            return self._tell(tables, found, now, calendar)

    def _tell(
        self,
        tables: AlertTables | None,
        found: Sequence[Observation],
        now: dt.datetime,
        calendar: Calendar,
    ) -> Look:
        step, attempts = raise_alerts(
            tables, self._journal, self._channels, found, RULES, now, calendar
        )
        return Look(sum(row.bad is True for row in found), step.messages, attempts)


def watch_once(settings: Settings, now: dt.datetime) -> Look:
    """Evaluate all rules once, send what is to be told, and note that this was done."""
    began = time.monotonic()
    look = Watcher(settings).look(now, [AT_WORK])
    _note(settings, now, look, time.monotonic() - began)
    return look


def watch(
    settings: Settings, clock: Callable[[], dt.datetime], show: Callable[[Look], None]
) -> NoReturn:
    """Evaluate all rules every minute, until the process is ended.

    Args:
        settings: Of the installation.
        clock: The time, aware.
        show: Given what came of each evaluation.
    """
    watcher = Watcher(settings)
    with _kept_running(settings):
        while True:
            began = time.monotonic()
            now = clock()
            try:
                look = watcher.look(now, [AT_WORK])
                _note(settings, now, look, time.monotonic() - began)
                show(look)
            except Exception as error:
                # Whoever watches the watch sees that nothing is noted any more.
                log.error(f"The rules could not be evaluated: {one_line(error)}", exc_info=error)
            time.sleep(max(0.0, began + EVERY - time.monotonic()))


def look_for_the_dead(settings: Settings, now: dt.datetime) -> Observation:
    """Whether the watch is at work; where it is not, this evaluates the rules in its place.

    Returns:
        The observation of ``watch_silent``; bad also where the watch has never run.
    """
    seen = watch_age(last_watch(settings.home), now)
    if seen.bad is None:
        seen = replace(seen, bad=True)
    if seen.bad:
        Watcher(settings).look(now, [seen])
    return seen


def _note(settings: Settings, now: dt.datetime, look: Look, seconds: float) -> None:
    """Note that the watch is at work, and every few minutes as metrics what it found."""
    try:
        note_watch(settings.home, now)
        if now.minute % RECORDED_EVERY == 0:
            values = {"monitor_seconds": seconds, "monitor_bad_conditions": look.bad}
            points = [make_point(name, value, None, now) for name, value in values.items()]
            MetricsFolder.of(settings).write(points)
    except (OSError, UnwritableFolder) as error:
        log.warning(f"That the watch is at work could not be noted: {one_line(error)}")


def _add_digests(tables: AlertTables, now: dt.datetime) -> None:
    """Put the digests of a session that is over into the outbox, each once."""
    try:
        with tables.exclusive():
            told = tables.outbox.told(digest.NAME)
            open_alerts = partial(_open_alerts, tables)
            found = digest.read_digests(tables.connection, now, told, open_alerts)
            tables.outbox.add(list(found))
    except Exception as error:
        log.warning(f"The digest could not be written: {one_line(error)}", exc_info=error)


def _open_alerts(tables: AlertTables) -> list[str]:
    """Rule and name of every group that is worse than INFO, the worst first."""
    groups = [group for group in tables.load().groups.values() if group.severity != "INFO"]
    groups.sort(key=lambda group: (-SEVERITIES.index(group.severity), group.key))
    return [" ".join(filter(None, (g.severity, g.rule, g.name))) for g in groups]


def _calendar(settings: Settings) -> Calendar:
    """That of the configured ticker's exchange, whose sessions count; NSE's if there is none."""
    try:
        return calendar_of_tickers([settings.data.ticker])
    except UsageError:
        return nse()


@contextmanager
def _kept_running(settings: Settings) -> Iterator[None]:
    """Let an embedded server run on between two evaluations."""
    if settings.server is not None:
        yield
        return
    from src.db.database import DATA_DIR
    from src.db.embedded.lease import reserve

    with reserve(settings.home / DATA_DIR):
        yield
