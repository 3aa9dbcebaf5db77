"""Word of changes: a thread that listens to the database, and says whether it hears anything."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from src.config import logs
from src.core.errors import ForecastError
from src.db.connection import one_sentence_errors
from src.db.reconnect import Connection, Reconnector, address_of
from src.db.tables.live_inputs import listen

# Seconds between signs of life, after how many without one it counts as deaf, and between tries.
HEARTBEAT, DEAF, AGAIN = 0.5, 2.5, 0.3

log = logs.get(__name__)


class Watch:
    """Calls ``changed`` with a ticker, or with None when it may have missed something.

    It calls from its own thread.
    """

    def __init__(self, link: Reconnector, changed: Callable[[str | None], None]) -> None:
        self._link, self._changed = link, changed
        self._heard = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self.why: str | None = "The database has not been reached yet."

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Listen no more."""
        self._stop.set()
        self._thread.join(HEARTBEAT + 1)

    def hears(self) -> bool:
        """Whether a change would be heard of."""
        return self.why is None and time.monotonic() - self._heard < DEAF

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with (
                    self._link.connect() as connection,
                    one_sentence_errors(address_of(connection)),
                ):
                    self._listen(connection)
            except ForecastError as error:
                self._deaf(str(error))
                self._stop.wait(AGAIN)
            except Exception as error:
                # Without this thread nothing would ever change: it goes on, whatever comes.
                log.error("Listening failed unexpectedly.", exc_info=error)
                self._deaf(f"Listening failed ({type(error).__name__}): see logs/tcs-stock.log.")
                self._stop.wait(AGAIN)

    def _listen(self, connection: Connection) -> None:
        for ticker in listen(connection, HEARTBEAT):
            if self._stop.is_set():
                return
            if ticker is not None or self.why is not None:
                self._changed(ticker)
            if self.why is not None:
                log.info("The database is heard.")
            self._heard, self.why = time.monotonic(), None

    def _deaf(self, why: str) -> None:
        if self.why is None:
            log.warning(why)
        self.why = why
