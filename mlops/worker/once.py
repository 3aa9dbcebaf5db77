"""Request what is due once, run all that waits, and end: for cron and timers."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mlops.worker.child import ChildRun
from mlops.worker.schedule import ending, moment_text, request_due_runs, sentence, states
from src.db.database import open_connection
from src.db.tables import run_requests

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.db.reconnect import Connection

APPLICATION = "tcsns-worker-once"


def work_once(settings: Settings, now: dt.datetime, config: Path | None) -> bool:
    """Run what is due at ``now``, an aware time, and what waits; whether all succeeded.

    A run that went to its end without the session that it was for has not.

    What is interrupted ends its run first.

    Raises:
        DatabaseUnavailable: It does not answer, or is lost on the way.
    """
    with open_connection(settings.server, settings.home, APPLICATION) as (_, connection):
        for due in request_due_runs(connection, settings, now):
            sys.stdout.write(f"{sentence(due)}\n")
        waiting = run_requests.waiting(connection)
        if not waiting:
            sys.stdout.write("Nothing is due, and no request waits.\n")
            _say_next_tries(connection, settings, now)
        # Each is run, also after one that failed.
        results = [_run(connection, number, settings, config, now) for number in waiting]
        return all(results)


def _say_next_tries(connection: Connection, settings: Settings, now: dt.datetime) -> None:
    """Say which sessions were tried in vain, and from when on they are due again."""
    for state in states(connection, settings, now):
        if (at := state.next_try_at) and at > now:
            sys.stdout.write(
                f"{state.calendar.exchange.code} {state.session} is due again at "
                f"{moment_text(at, state.calendar)}: see `python -m mlops.worker status`.\n"
            )


def _run(
    connection: Connection,
    request_id: int,
    settings: Settings,
    config: Path | None,
    now: dt.datetime,
) -> bool:
    child = ChildRun(request_id, settings, config)
    try:
        child.wait(None)
    except BaseException:
        child.stop(settings.worker.stop_seconds)
        raise
    request = run_requests.read(connection, request_id)
    if request is None or request.status == run_requests.WAITING:
        sys.stdout.write(
            f"Request {request_id} did not begin: see var/requests/{request_id}.log.\n"
        )
        return False
    words = ending(request, connection, settings, now)
    sys.stdout.write(f"Request {request_id}: {words}\n")
    # Another process may have taken it, and still be at work.
    return request.is_live or request.result == "success"
