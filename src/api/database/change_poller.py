"""Poll the database for changes of models, inputs and trials, from a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from src.config import logs
from src.core.errors import DatabaseRefused, ForecastError
from src.core.traffic_split import TrafficSplit
from src.db.reconnect import PersistentConnection, Reconnector
from src.db.tables import live_inputs, traffic_splits

# Seconds between polls, and without a completed poll until changes may have been missed.
INTERVAL, OVERDUE = 0.5, 2.5

NOT_YET = "The database has not answered yet: check that it runs."
NO_LONGER = "The database has not answered for some seconds: check that it runs, and its load."

log = logs.get(__name__)


class ChangePoller:
    """Calls ``on_change``, from its own thread, whenever the version of the database differs.

    The version covers the live models, the members of pools, the inputs of both, and trials.
    ``on_change`` gets the trials that split the traffic, read after the version.
    """

    def __init__(
        self, reconnector: Reconnector, on_change: Callable[[Sequence[TrafficSplit]], None]
    ) -> None:
        self._connection, self._on_change = PersistentConnection(reconnector), on_change
        self._version: int | None = None
        self._polled_at = 0.0  # monotonic seconds, of the last poll that was answered
        self._failure: str | None = NOT_YET
        self._polled, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="change-poller", daemon=True)

    def start(self) -> None:
        """Begin to poll."""
        self._thread.start()

    def stop(self) -> None:
        """End after the poll under way."""
        self._stop.set()
        self._thread.join(INTERVAL + 1)

    def wait_for_first_poll(self, patience: float) -> bool:
        """Whether the first poll succeeded within so many seconds."""
        return self._polled.wait(patience) and self.is_healthy()

    def is_healthy(self) -> bool:
        """Whether changes are noticed."""
        return self._failure is None and time.monotonic() - self._polled_at < OVERDUE

    @property
    def failure(self) -> str | None:
        """Why changes may go unnoticed, as one sentence; None while they are noticed."""
        return None if self.is_healthy() else self._failure or NO_LONGER

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._poll()
            except ForecastError as error:
                self._fail(str(error))
            except Exception as error:
                # Without this thread no change would ever be noticed: it goes on, whatever comes.
                log.error("Polling the database for changes failed unexpectedly.", exc_info=error)
                self._fail(
                    "Polling the database for changes failed unexpectedly "
                    f"({type(error).__name__}): see logs/tcs-stock.log."
                )
            self._polled.set()
            self._stop.wait(INTERVAL)
        self._connection.close()

    def _poll(self) -> None:
        version = self._connection.run(live_inputs.data_version)
        if version != self._version:
            splits = self._splits()
            self._version = version
            self._on_change(splits)
        if self._failure is not None:
            log.info("Polling the database for changes.")
        self._polled_at, self._failure = time.monotonic(), None

    def _splits(self) -> Sequence[TrafficSplit]:
        """Without any where they cannot be used: what is served does not depend on trials."""
        try:
            return self._connection.run(traffic_splits.in_force)
        except DatabaseRefused as error:
            log.error("No trial splits the traffic: their splits cannot be read.", exc_info=error)
            return ()

    def _fail(self, failure: str) -> None:
        if self._failure in {None, NOT_YET}:
            log.warning(failure)
        self._failure = failure
