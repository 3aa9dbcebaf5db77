"""Work until told to stop: request what is due, and run the requests that wait one by one."""

from __future__ import annotations

import datetime as dt
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mlops.worker.child import ChildRun
from mlops.worker.retention import delete_old_traces
from mlops.worker.schedule import ending, request_due_runs, sentence
from src.config import logs
from src.core.errors import DatabaseUnavailable, ForecastError
from src.db.queue.workers import WorkerRow
from src.db.reconnect import PersistentConnection, Reconnector
from src.db.tables import run_requests

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.db.reconnect import Connection

log = logs.get(__name__)

# How the worker names itself to the database.
APPLICATION = "tcsns-worker"
# Seconds between looks at the requests that wait, at what is due, and signs of life.
LOOK, DUE, SEEN = 1.0, 5.0, 20.0
# Seconds between tries to reach the database, and after an error that it reports.
LONGEST_PAUSE = 2.0
REFUSED_PAUSE = 30.0
# Seconds until a request is started again whose process ended before it took the request, doubled
# each time.
FIRST_DELAY, LONGEST_DELAY = 10.0, 3600.0


class Worker:
    """One worker; any number of them may work on one database.

    It remembers nothing that matters: what is due and what waits is read again at each look.

    Args:
        settings: Of the installation.
        clock: The time that decides what is due, aware.
        config: The file that the settings came from, for the runs; None without one.
    """

    def __init__(
        self, settings: Settings, clock: Callable[[], dt.datetime], config: Path | None = None
    ) -> None:
        self._settings, self._clock, self._config = settings, clock, config
        self._reconnector = Reconnector(settings.server, settings.home, APPLICATION, LONGEST_PAUSE)
        self._database = PersistentConnection(self._reconnector)
        self._row = WorkerRow(socket.gethostname(), os.getpid())
        self._child: ChildRun | None = None
        self._unstarted = _Delays()
        self._is_stopping = False
        self._problem = ""
        self._cleaned_on: dt.date | None = None
        # Monotonic: when to look at what is due, to show a sign of life, and to ask again.
        self._due_at = self._seen_at = self._ask_at = 0.0

    def run(self) -> None:
        """Work until SIGTERM, SIGINT or SIGHUP."""
        for name in ("SIGTERM", "SIGINT", "SIGHUP"):
            signal.signal(getattr(signal, name), self._stop)
        log.info(f"The worker has started: process {os.getpid()} on {socket.gethostname()}.")
        while not self._is_stopping:
            self._look_safely()
            time.sleep(LOOK)
        self._end()

    def _stop(self, *_: object) -> None:
        self._is_stopping = True

    def _look_safely(self) -> None:
        """Look once; a database that is away or refuses is asked again, and told of once."""
        if time.monotonic() < self._ask_at:
            return
        try:
            self._database.run(self._look)
        except ForecastError as error:
            if str(error) != self._problem:
                log.warning(f"The worker waits: {error}", exc_info=error)
            self._problem = str(error)
            if not isinstance(error, DatabaseUnavailable):
                self._ask_at = time.monotonic() + REFUSED_PAUSE
            return
        if self._problem:
            log.info("The worker goes on: the database answers again.")
        self._problem = ""

    def _look(self, connection: Connection) -> None:
        now = time.monotonic()
        if now >= self._seen_at:
            self._row.seen(connection)
            self._seen_at = now + SEEN
        self._note_end(connection)
        if self._child is not None:
            return
        if now >= self._due_at:
            for due in request_due_runs(connection, self._settings, self._clock()):
                log.info(sentence(due))
            self._due_at = now + DUE
        self._start_next(connection)
        if self._child is None:
            self._clean(connection)

    def _clean(self, connection: Connection) -> None:
        """Delete what is old, once a day and after each start."""
        now = self._clock()
        if self._cleaned_on != now.date():
            count = delete_old_traces(connection, self._settings, now)
            self._cleaned_on = now.date()
            if count:
                log.info(f"{count:,} old rows and files of runs were deleted.")

    def _note_end(self, connection: Connection) -> None:
        """Take note of a run that has ended; what is due is then looked at anew."""
        child = self._child
        if child is None or child.exit_code is None:
            return
        request = run_requests.read(connection, child.request_id)
        self._child, self._due_at = None, 0.0
        if request is None:
            return
        if request.status == run_requests.WAITING:
            log.error(
                f"The process for request {request.request_id} ended with code {child.exit_code} "
                f"before it took it: see var/requests/{request.request_id}.log."
            )
            self._unstarted.add(request.request_id)
            return
        words = ending(request, connection, self._settings, self._clock())
        log.info(f"Request {request.request_id} ended: {words}")

    def _start_next(self, connection: Connection) -> None:
        for request_id in run_requests.waiting(connection):
            if self._unstarted.is_over(request_id):
                try:
                    self._child = ChildRun(request_id, self._settings, self._config)
                except (OSError, ForecastError) as error:
                    log.error(f"Request {request_id} cannot be started: {error}", exc_info=error)
                    self._unstarted.add(request_id)
                    continue
                log.info(f"Request {request_id} has been started.")
                return

    def _end(self) -> None:
        """End the run under way, say that this worker has stopped, and leave the database."""
        log.info("The worker is stopping.")
        if self._child is not None and not self._child.stop(self._settings.worker.stop_seconds):
            log.warning(f"The run of request {self._child.request_id} had to be killed.")
        try:
            self._database.run(self._row.stopped)
        except ForecastError as error:
            log.warning(f"That the worker has stopped could not be noted: {error}")
        self._database.close()
        self._reconnector.close()
        log.info("The worker has stopped.")


class _Delays:
    """When requests may be started again whose process ended before it took them."""

    def __init__(self) -> None:
        self._by_request: dict[int, tuple[float, float]] = {}

    def add(self, request_id: int) -> None:
        """Delay it by twice as much as before."""
        before, _ = self._by_request.get(request_id, (FIRST_DELAY / 2, 0.0))
        delay = min(2 * before, LONGEST_DELAY)
        self._by_request[request_id] = delay, time.monotonic() + delay

    def is_over(self, request_id: int) -> bool:
        """Whether it may be started now."""
        _, until = self._by_request.get(request_id, (0.0, 0.0))
        return time.monotonic() >= until
