"""Make a request for every exchange whose newest session is due for a run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mlops.worker.due import (
    LOOKS_BACK,
    DueRun,
    Try,
    due_run,
    next_try,
    settled_session,
    source_of,
)
from src.config import logs
from src.core.calendars.exchanges import calendar_of, exchange_of
from src.core.calendars.nse import nse
from src.core.errors import UsageError
from src.core.tickers import normalise_ticker
from src.data.sources.nse.actions import actions_had_at
from src.db.queue import schedule
from src.db.tables import run_requests
from src.db.tables.prepared import PreparedTickers
from src.db.tables.run_requests import NewRequest
from src.db.tables.source_pace import source_pauses

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.core.calendars.calendar import Calendar
    from src.db.queue.schedule import StoredTry
    from src.db.reconnect import Connection
    from src.db.tables.run_requests import StoredRequest

log = logs.get(__name__)

# So long without NSE's corporate actions Yahoo is asked for them.
ACTIONS_LAST_DAYS = 7
# Who asks, as pages show it.
PERSON = "the schedule"


@dataclass(frozen=True)
class ExchangeState:
    """How the newest session of an exchange stands that has settled.

    Attributes:
        calendar: Of the exchange.
        session: The session.
        newest: The scheduled tickers, each with the newest session that a run has finished for it.
        stored: The tries of the last days, the oldest first.
    """

    calendar: Calendar
    session: dt.date
    newest: dict[str, dt.date | None]
    stored: list[StoredTry]

    @property
    def tries(self) -> list[Try]:
        """The same as ``stored``, as decisions need them."""
        return [
            Try(row.session, frozenset(row.tickers), row.status, row.scheduled_at, row.seconds)
            for row in self.stored
        ]

    @property
    def of_session(self) -> list[StoredTry]:
        """The tries of the session."""
        return [row for row in self.stored if row.session == self.session]

    @property
    def next_try_at(self) -> dt.datetime | None:
        """When a session that was tried before is tried again; None where it is not."""
        again = next_try(self.session, self.newest, self.tries)
        return again.begins_at if again else None


def states(connection: Connection, settings: Settings, now: dt.datetime) -> Iterator[ExchangeState]:
    """How each exchange stands at ``now``, an aware time."""
    settle = dt.timedelta(minutes=settings.worker.settle_minutes)
    for calendar, tickers in scheduled(connection, settings):
        session = settled_session(calendar, now, settle)
        since = session - dt.timedelta(days=LOOKS_BACK)
        tries = schedule.tries(connection, calendar.exchange.code, since)
        yield ExchangeState(calendar, session, schedule.finished(connection, tickers), tries)


def request_due_runs(connection: Connection, settings: Settings, now: dt.datetime) -> list[DueRun]:
    """Store a request for every run that is due at ``now``, an aware time; those that are new.

    Any number of workers may do so at once: each run is requested once. Where a live request
    shares a ticker with it, it is left for later.
    """
    run_requests.close_dead(connection)
    made = []
    for due in due_runs(connection, settings, now):
        with connection.transaction():
            _, is_new = run_requests.submit(connection, _request(due, settings, now))
            if is_new:
                schedule.note_missed(connection, due.exchange, due.missed)
                made.append(due)
    return made


def due_runs(connection: Connection, settings: Settings, now: dt.datetime) -> Iterator[DueRun]:
    """The run of each exchange that is to begin now; none while its source may not be asked."""
    paused = {name for name, pause in source_pauses(connection).items() if pause and pause.seconds}
    settle = dt.timedelta(minutes=settings.worker.settle_minutes)
    for state in states(connection, settings, now):
        due = due_run(state.calendar, now, settle, state.newest, state.tries)
        if due is None:
            continue
        source = settings.worker.source or source_of(
            due, state.calendar, paused, has_actions=_has_actions(settings, now)
        )
        if source not in paused:
            yield replace(due, source=source)


def _has_actions(settings: Settings, now: dt.datetime) -> bool:
    """Whether NSE's corporate actions were had in the last days."""
    had_at = actions_had_at(settings)
    return had_at is not None and now - had_at < dt.timedelta(days=ACTIONS_LAST_DAYS)


def scheduled(connection: Connection, settings: Settings) -> list[tuple[Calendar, list[str]]]:
    """The calendar of each exchange with the tickers that are run after its sessions.

    These are all stored ones but synthetic ones and those that are suspended or delisted, or the
    configured one where nothing is stored.
    """
    prepared = PreparedTickers(connection)
    tickers = prepared.traded_tickers()
    if not tickers and not prepared.real_tickers():
        tickers = [normalise_ticker(settings.data.ticker, ".NS")]
    by_code: dict[str, tuple[Calendar, list[str]]] = {}
    for ticker in tickers:
        try:
            calendar = calendar_of(exchange_of(ticker))
        except UsageError as error:
            log.debug(f"{ticker} has no schedule: {error}")
            continue
        by_code.setdefault(calendar.exchange.code, (calendar, []))[1].append(ticker)
    return list(by_code.values())


def _request(due: DueRun, settings: Settings, now: dt.datetime) -> NewRequest:
    worker = settings.worker
    return NewRequest(
        due.key,
        worker.kind,
        due.tickers,
        due.source,
        worker.path if due.source == "csv" else None,
        PERSON,
        exchange=due.exchange,
        session=due.session,
        scheduled_at=now,
    )


def sentence(due: DueRun) -> str:
    """What is due, for a person."""
    stocks = count_text(len(due.tickers), "stock")
    again = f", try {due.number}" if due.number > 1 else ""
    passed = f"; {_days(due.missed)} passed over" if due.missed else ""
    return f"{due.exchange} {due.session} is due for {stocks}{again}{passed}."


def ending(
    request: StoredRequest, connection: Connection, settings: Settings, now: dt.datetime
) -> str:
    """How a request went, why it did not succeed or lacks prices, and when it is tried again."""
    parts = [f"{request.result}."]
    if request.sentence:
        parts.append(request.sentence)
    for state in states(connection, settings, now) if request.is_scheduled else ():
        if (state.calendar.exchange.code, state.session) != (request.exchange, request.session):
            continue
        if at := state.next_try_at:
            when = f"at {moment_text(at, state.calendar)}" if at > now else "at once"
            parts.append(f"Next try {when}.")
    return " ".join(parts)


def moment_text(at: dt.datetime, calendar: Calendar | None = None) -> str:
    """An aware time by an exchange's clock, as pages show it, and in UTC; NSE's by default."""
    local = at.astimezone((calendar or nse()).zone)
    return f"{local:%Y-%m-%d %H:%M %Z} ({at.astimezone(dt.UTC):%H:%M} UTC)"


def count_text(number: int, noun: str) -> str:
    """Such as ``1 stock`` and ``2 stocks``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _days(sessions: Sequence[dt.date]) -> str:
    if len(sessions) == 1:
        return f"{sessions[0]} was"
    return f"{len(sessions)} sessions from {sessions[0]} to {sessions[-1]} were"
