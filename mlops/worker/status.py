"""Say which workers there are, what is due, what waits, and which sessions were passed over."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlops.worker import schedule
from mlops.worker.due import settled_session
from src.db.queue import schedule as stored
from src.db.queue.workers import DEAD_AFTER, newest_workers
from src.db.tables import run_requests
from src.db.tables.source_pace import source_pauses

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.db.queue.workers import StoredWorker
    from src.db.reconnect import Connection

# Workers and sessions that are listed.
WORKERS, SESSIONS = 5, 10


def status_lines(connection: Connection, settings: Settings, now: dt.datetime) -> list[str]:
    """All of it at ``now``, an aware time, line by line."""
    return [
        *_workers(connection),
        *_exchanges(connection, settings, now),
        *_waiting(connection),
        *_missed(connection),
    ]


def _workers(connection: Connection) -> Iterator[str]:
    workers = newest_workers(connection, WORKERS)
    if not workers:
        yield "No worker has run here yet: start `python -m mlops.worker`."
    for worker in workers:
        yield (
            f"Worker process {worker.pid} on {worker.host}: {_state(worker)}, "
            f"started {_time(worker.started_at)}."
        )


def _state(worker: StoredWorker) -> str:
    if worker.stopped_at is not None:
        return f"stopped {_time(worker.stopped_at)}"
    if worker.silence > DEAD_AFTER:
        return f"dead, last seen {_time(worker.seen_at)}"
    return "at work"


def _exchanges(connection: Connection, settings: Settings, now: dt.datetime) -> Iterator[str]:
    for source, pause in source_pauses(connection).items():
        if pause is not None and pause.seconds:
            yield f"The source {source} may be asked again at {_time(pause.resumes_at)}."
    settle = dt.timedelta(minutes=settings.worker.settle_minutes)
    due = {run.exchange: run for run in schedule.due_runs(connection, settings, now)}
    for calendar, tickers in schedule.scheduled(connection, settings):
        session = settled_session(calendar, now, settle)
        newest = stored.finished(connection, tickers).values()
        count = sum(day is not None and day >= session for day in newest)
        next_run = calendar.hours(calendar.next_session(session)).closes + settle
        yield (
            f"{calendar.exchange.code}: session {session} is finished for {count} of "
            f"{len(tickers)} stocks; the next one is due from {_time(next_run)}."
        )
        if calendar.exchange.code in due:
            yield schedule.sentence(due[calendar.exchange.code])


def _waiting(connection: Connection) -> Iterator[str]:
    numbers = run_requests.waiting(connection)
    if numbers:
        yield f"Requests that wait: {', '.join(map(str, numbers))}."


def _missed(connection: Connection) -> Iterator[str]:
    sessions = stored.missed(connection, SESSIONS)
    if sessions:
        listed = ", ".join(f"{each.exchange} {each.session}" for each in sessions)
        yield f"Passed over, without a forecast, the newest first: {listed}."


def _time(at: dt.datetime) -> str:
    return f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"
