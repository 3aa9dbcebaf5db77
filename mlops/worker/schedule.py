"""Make a request for every exchange whose newest session is due for a run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mlops.worker.due import LOOKS_BACK, DueRun, Try, due_run, settled_session, source_of
from src.config import logs
from src.core.calendars.exchanges import calendar_of, exchange_of
from src.core.errors import UsageError
from src.core.tickers import normalise_ticker
from src.db.queue import schedule
from src.db.tables import run_requests
from src.db.tables.prepared import PreparedTickers
from src.db.tables.run_requests import NewRequest
from src.db.tables.source_pace import source_pauses

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.core.calendars.calendar import Calendar
    from src.db.reconnect import Connection

log = logs.get(__name__)

# Who asks, as pages show it.
PERSON = "the schedule"


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
    for calendar, tickers in scheduled(connection, settings):
        newest = schedule.finished(connection, tickers)
        since = settled_session(calendar, now, settle) - dt.timedelta(days=LOOKS_BACK)
        rows = schedule.tries(connection, calendar.exchange.code, since)
        tries = [
            Try(row.session, frozenset(row.tickers), row.status, row.scheduled_at, row.seconds)
            for row in rows
        ]
        due = due_run(calendar, now, settle, newest, tries)
        if due is None:
            continue
        source = settings.worker.source or source_of(due, calendar, paused)
        if source not in paused:
            yield replace(due, source=source)


def scheduled(connection: Connection, settings: Settings) -> list[tuple[Calendar, list[str]]]:
    """The calendar of each exchange with the tickers that are run after its sessions.

    These are all stored ones but synthetic ones, or the configured one where there are none.
    """
    stored = PreparedTickers(connection).real_tickers()
    tickers = stored or [normalise_ticker(settings.data.ticker, ".NS")]
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
    stocks = f"{len(due.tickers)} stock{'' if len(due.tickers) == 1 else 's'}"
    again = f", try {due.number}" if due.number > 1 else ""
    passed = f"; {_days(due.missed)} passed over" if due.missed else ""
    return f"{due.exchange} {due.session} is due for {stocks}{again}{passed}."


def _days(sessions: Sequence[dt.date]) -> str:
    if len(sessions) == 1:
        return f"{sessions[0]} was"
    return f"{len(sessions)} sessions from {sessions[0]} to {sessions[-1]} were"
