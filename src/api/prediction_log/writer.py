"""Served forecasts in; each into the log once, behind the answers, for as long as it takes."""

from __future__ import annotations

import datetime as dt
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from src.api.prediction_log.spool import Journal
from src.config import logs
from src.core.errors import DatabaseFull, DatabaseUnavailable, ForecastError
from src.db.reconnect import PersistentConnection, Reconnector
from src.db.tables.forecasts import ForecastLog

Row = Mapping[str, Any]

# Rows a transaction, and seconds until the next try after one that failed.
BATCH, AGAIN = 200, 1.0
LEAVING = 3.0  # seconds that the end may take

log = logs.get(__name__)


class Logbook:
    """A queue of at most ``most`` forecasts and the thread that stores them.

    What waits is in the journal as well, so that it is stored after a kill: by the next service.

    Attributes:
        written: Forecasts stored, or found stored already.
        recovered: Forecasts that a service before left in its journal.
        failures: Tries that failed.
        overflows: Forecasts that found the queue full; they are offered again when served again.
        why: Why the last try failed, or None.
    """

    def __init__(
        self, link: Reconnector, journal: Journal, most: int, now: Callable[[], dt.datetime]
    ) -> None:
        self._kept, self._most, self._now = PersistentConnection(link), most, now
        self._journal, self._turn = journal, threading.Lock()
        self._waiting: deque[Row] = deque()
        self._wake, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="logbook", daemon=True)
        self.written = self.recovered = self.failures = self.overflows = 0
        self.why: str | None = None

    def start(self) -> None:
        """Begin to store, with what was left to be stored."""
        left = self._journal.adopt()
        if left:
            log.warning(f"A service ended before its log was written: {len(left)} forecasts of it.")
        self.recovered = len(left)
        self._waiting.extend(left)
        self._wake.set()
        self._thread.start()

    def stop(self) -> None:
        """Store what can be stored, and end."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(LEAVING)
        with self._turn:
            self._journal.close()

    @property
    def unsaved(self) -> int:
        """Forecasts that waited in memory only."""
        return self._journal.failures

    @property
    def backlog(self) -> int:
        """Forecasts that are not stored yet."""
        return len(self._waiting)

    def offer(self, row: Row) -> bool:
        """Take a forecast (``PREDICTIONS`` without ``made_at``); False when the queue is full."""
        if self.backlog >= self._most:
            self.overflows += 1
            return False
        made = {**row, "made_at": self._now()}
        with self._turn:
            self._journal.add(made)
            self._waiting.append(made)
        self._wake.set()
        return True

    def _run(self) -> None:
        try:
            while self._wake.wait():
                self._wake.clear()
                ending = self._stop.is_set()
                while self._waiting:
                    if not self._drained() and (ending or self._stop.wait(AGAIN)):
                        return
                if ending:
                    return
        finally:
            self._kept.close()

    def _drained(self) -> bool:
        """Store the oldest, which count as waiting until it is done; False when a pause is due."""
        rows = [self._waiting[place] for place in range(min(BATCH, len(self._waiting)))]
        left, why = self._stored(rows)
        self.written += len(rows) - len(left)
        if why is not None and self.why is None:
            log.warning(f"Forecasts could not be logged and wait: {why}")
        self.failures += why is not None
        self.why = why
        with self._turn:
            self._waiting.extend(left)
            for _ in rows:
                self._waiting.popleft()
            if not self._waiting:
                self._journal.clear()
        return why is None

    def _stored(self, rows: list[Row]) -> tuple[list[Row], str | None]:
        """Those that could not be stored, and why the last of them could not."""
        try:
            self._kept.run(lambda connection: ForecastLog(connection).log(rows))
        except (DatabaseUnavailable, DatabaseFull) as error:
            return rows, str(error)
        except Exception as error:
            # Whatever is wrong with one forecast, the log goes on.
            if len(rows) == 1:
                return rows, _sentence(error)
        else:
            return [], None
        left: list[Row] = []
        why: str | None = None
        for row in rows:
            refused, said = self._stored([row])
            left, why = left + refused, said or why
        return left, why


def _sentence(error: Exception) -> str:
    if isinstance(error, ForecastError):
        return str(error)
    return f"A forecast could not be logged ({type(error).__name__})."
