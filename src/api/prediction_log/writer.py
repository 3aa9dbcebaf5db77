"""Log each served forecast once, behind the answers, for as long as the database takes."""

from __future__ import annotations

import datetime as dt
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from src.api.prediction_log.spool import Row, Spool
from src.config import logs
from src.core.errors import DatabaseRefused, DatabaseUnavailable, ForecastError, ValueRefused
from src.db.reconnect import PersistentConnection
from src.db.tables.forecasts import ForecastLog

if TYPE_CHECKING:
    from src.api.prediction_log.dead_letters import DeadLetters
    from src.db.reconnect import Reconnector

BATCH = 200  # rows a transaction
RETRY_AFTER = 1.0  # seconds between tries while rows cannot be written
REFUSALS = 3  # tries of a row that the table refuses, before it is set aside
PATIENCE_AT_END = 3.0  # seconds that the end may take

log = logs.get(__name__)


@dataclass(eq=False, slots=True)
class _Waiting:
    """A row to be written, and how often the table has refused it."""

    row: Row
    refusals: int = 0


class PredictionLog:
    """A queue of at most ``capacity`` forecasts and the thread that writes them.

    What waits is in the spool as well, so that after a kill the next service writes it. Rows that
    the table refuses again and again go to the dead letters, so that they hold up nothing.

    Attributes:
        dead_letters: Where they go.
        written: Forecasts written, or found in the table already.
        recovered: Forecasts that an earlier service left in its spool.
        failures: Tries that failed.
        overflows: Forecasts that found the queue full; they are offered again when served again.
        failure: Why the last try failed, or None.
    """

    def __init__(
        self,
        reconnector: Reconnector,
        spool: Spool,
        dead_letters: DeadLetters,
        capacity: int,
        now: Callable[[], dt.datetime],
    ) -> None:
        self._connection, self._capacity = PersistentConnection(reconnector), capacity
        self._now, self._spool, self._lock = now, spool, threading.Lock()
        self.dead_letters = dead_letters
        self._queue: deque[_Waiting] = deque()
        self._wake, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="prediction-log", daemon=True)
        self.written = self.recovered = self.failures = self.overflows = 0
        self.failure: str | None = None

    def start(self) -> None:
        """Begin to write, first what earlier services left."""
        rows = self._spool.recover()
        if rows:
            log.warning(f"Recovered {len(rows)} unlogged forecasts of an earlier process.")
        self.recovered = len(rows)
        self._queue.extend(map(_Waiting, rows))
        self._wake.set()
        self._thread.start()

    def stop(self) -> None:
        """Write what can be written, and end."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(PATIENCE_AT_END)
        with self._lock:
            self._spool.close()

    @property
    def memory_only(self) -> int:
        """Forecasts that could not be spooled, and waited in memory only."""
        return self._spool.failures

    @property
    def backlog(self) -> int:
        """Forecasts that are not written yet."""
        return len(self._queue)

    def offer(self, row: Row) -> bool:
        """Queue a forecast (``PREDICTIONS`` without ``made_at``); False when the queue is full."""
        if self.backlog >= self._capacity:
            self.overflows += 1
            return False
        dated = {**row, "made_at": self._now()}
        with self._lock:
            self._spool.add(dated)
            self._queue.append(_Waiting(dated))
        self._wake.set()
        return True

    def _run(self) -> None:
        try:
            while self._wake.wait():
                self._wake.clear()
                ending = self._stop.is_set()
                while self._queue:
                    if not self._write_batch() and (ending or self._stop.wait(RETRY_AFTER)):
                        return
                if ending:
                    return
        finally:
            self._connection.close()

    def _write_batch(self) -> bool:
        """Write the oldest rows, which stay in the queue until then; False when a pause is due."""
        rows = [self._queue[place] for place in range(min(BATCH, len(self._queue)))]
        unwritten, failure = self._write(rows)
        if failure is not None and self.failure is None:
            log.warning(f"Forecasts could not be logged, and will be tried again: {failure}")
        self.failures += failure is not None
        self.failure = failure
        with self._lock:
            self._queue.extend(unwritten)
            for _ in rows:
                self._queue.popleft()
            if not self._queue:
                self._spool.clear()
        return failure is None

    def _write(self, waiting: list[_Waiting]) -> tuple[list[_Waiting], str | None]:
        """Rows that still wait, and why the last of them could not be written."""
        rows = [each.row for each in waiting]
        try:
            self._connection.run(lambda connection: ForecastLog(connection).log(rows))
        except Exception as error:
            if _lies_in_the_database(error):
                return waiting, str(error)
            if len(waiting) == 1:
                return self._refused(waiting[0], error)
        else:
            self.written += len(rows)
            return [], None
        # One row that the table refuses must not stop the log.
        results = [self._write([each]) for each in waiting]
        failures = [failure for _, failure in results if failure is not None]
        return [each for rest, _ in results for each in rest], failures[-1] if failures else None

    def _refused(self, waiting: _Waiting, error: Exception) -> tuple[list[_Waiting], str | None]:
        """The row, which waits for another try or else is set aside."""
        waiting.refusals += 1
        reason = _sentence(error)
        if waiting.refusals < REFUSALS or not self.dead_letters.add(
            waiting.row, reason, self._now()
        ):
            return [waiting], reason
        log.error(
            f"A forecast of {waiting.row.get('ticker')} was refused {REFUSALS} times and is set "
            f"aside in {self.dead_letters.path}.",
            exc_info=error,
        )
        return [], None


def _lies_in_the_database(error: Exception) -> bool:
    """Whether it would refuse any row: it is away, full, locked, or gives no right to write."""
    return isinstance(error, DatabaseUnavailable) or (
        isinstance(error, DatabaseRefused) and not isinstance(error, ValueRefused)
    )


def _sentence(error: Exception) -> str:
    if isinstance(error, ForecastError):
        return str(error)
    return f"A forecast could not be logged ({type(error).__name__})."
