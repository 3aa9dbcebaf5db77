"""Say which workers there are, what is due, what waits, and which sessions were passed over."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlops.worker import schedule
from mlops.worker.schedule import ExchangeState, count_text, moment_text
from src.db.queue import schedule as stored
from src.db.queue.workers import DEAD_AFTER, newest_workers
from src.db.tables import run_requests
from src.db.tables.source_pace import source_pauses

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.db.queue.workers import StoredWorker
    from src.db.reconnect import Connection

# Workers that are looked at, and sessions that are listed.
WORKERS, SESSIONS = 20, 10
# Seconds for which a dead worker is news.
LATELY = 86_400.0


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
    news = [each for each in workers if each.stopped_at is None and each.silence < LATELY]
    if workers and not any(each.silence <= DEAD_AFTER for each in news):
        yield "No worker is at work: start `python -m mlops.worker`."
    for worker in news or workers[:1]:
        yield (
            f"Worker process {worker.pid} on {worker.host}: {_state(worker)}, "
            f"started {moment_text(worker.started_at)}."
        )


def _state(worker: StoredWorker) -> str:
    if worker.stopped_at is not None:
        return f"stopped {moment_text(worker.stopped_at)}"
    if worker.silence > DEAD_AFTER:
        return f"dead, last seen {moment_text(worker.seen_at)}"
    return "at work"


def _exchanges(connection: Connection, settings: Settings, now: dt.datetime) -> Iterator[str]:
    for source, pause in source_pauses(connection).items():
        if pause is not None and pause.seconds:
            yield f"The source {source} may be asked again at {moment_text(pause.resumes_at)}."
    settle = dt.timedelta(minutes=settings.worker.settle_minutes)
    due = {run.exchange: run for run in schedule.due_runs(connection, settings, now)}
    for state in schedule.states(connection, settings, now):
        calendar, session, newest = state.calendar, state.session, state.newest.values()
        count = sum(day is not None and day >= session for day in newest)
        next_run = calendar.hours(calendar.next_session(session)).closes + settle
        yield (
            f"{calendar.exchange.code}: session {session} is finished for {count} of "
            f"{count_text(len(newest), 'stock')}; the next session is due from "
            f"{moment_text(next_run, calendar)}."
        )
        if count < len(newest) and state.of_session:
            yield _tries(state, now)
        if calendar.exchange.code in due:
            yield schedule.sentence(due[calendar.exchange.code])


def _tries(state: ExchangeState, now: dt.datetime) -> str:
    """How often a session was tried, when it is tried again, and how the last try ended."""
    last = state.of_session[-1]
    at = state.next_try_at
    again = "it is not tried again"
    if at:
        again = f"next try at {moment_text(max(at, now), state.calendar)}"
    if last.seconds is None:
        again = "one is under way or waits"
    why = f" The last one: {last.error}" if last.error else ""
    tries = f"{len(state.of_session)} {'try' if len(state.of_session) == 1 else 'tries'}"
    return f"{state.calendar.exchange.code} {state.session}: {tries} so far, {again}.{why}"


def _waiting(connection: Connection) -> Iterator[str]:
    numbers = run_requests.waiting(connection)
    if numbers:
        yield f"Requests that wait: {', '.join(map(str, numbers))}."


def _missed(connection: Connection) -> Iterator[str]:
    sessions = stored.missed(connection)
    if sessions:
        listed = ", ".join(f"{each.exchange} {each.session}" for each in sessions[:SESSIONS])
        more = f" and {len(sessions) - SESSIONS:,} more" if len(sessions) > SESSIONS else ""
        yield f"Passed over, without a forecast, the newest first: {listed}{more}."
