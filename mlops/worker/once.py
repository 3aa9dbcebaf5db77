"""Request what is due once, run all that waits, and end: for cron and timers."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mlops.worker.child import ChildRun
from mlops.worker.schedule import request_due_runs, sentence
from src.db.database import open_connection
from src.db.tables import run_requests

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.db.reconnect import Connection

APPLICATION = "tcsns-worker-once"


def work_once(settings: Settings, now: dt.datetime, config: Path | None) -> bool:
    """Run what is due at ``now``, an aware time, and what waits; whether all of it succeeded.

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
        # Each is run, also after one that failed.
        results = [_run(connection, number, settings, config) for number in waiting]
        return all(results)


def _run(connection: Connection, request_id: int, settings: Settings, config: Path | None) -> bool:
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
    words = f"Request {request_id}: {request.status}. {request.sentence or ''}"
    sys.stdout.write(f"{words.rstrip()}\n")
    # Another process may have taken it, and still be at work.
    return request.is_live or request.status == "success"
