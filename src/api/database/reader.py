"""Questions to the database, asked in threads, so that nobody else waits for the answer."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import queue
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from src.core.errors import DatabaseUnavailable
from src.db.reconnect import Connection, PersistentConnection, Reconnector

T = TypeVar("T")

THREADS = 2
# Seconds that an answer waits for the database, a reading of many, and the start, which may have
# to start the database as well.
PATIENCE, PATIENCE_FOR_MANY, PATIENCE_AT_START = 3.0, 15.0, 10.0
# Seconds for which a database that did not answer is not asked again.
REST = 0.5


class Reader:
    """Runs work over connections of its own.

    Attributes:
        lost: Why the database could not be asked the last time, or None.
    """

    def __init__(self, link: Reconnector) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="reader")
        self._free: queue.SimpleQueue[PersistentConnection] = queue.SimpleQueue()
        for _ in range(THREADS):
            self._free.put(PersistentConnection(link))
        self._rested = 0.0
        self.lost: str | None = None

    async def run(self, work: Callable[[Connection], T], patience: float = PATIENCE) -> T:
        """The result of ``work``.

        Raises:
            DatabaseUnavailable: Also when it took too long.
            DatabaseRefused: One sentence.
        """
        if self.lost is not None and time.monotonic() < self._rested:
            raise DatabaseUnavailable(self.lost)
        loop = asyncio.get_running_loop()
        call = loop.run_in_executor(self._pool, functools.partial(self._kept_run, work))
        try:
            found = await asyncio.wait_for(asyncio.shield(call), patience)
        except TimeoutError:
            call.add_done_callback(_forget)
            why = f"The database has not answered within {patience:g} s: see what keeps it busy."
            raise self._rest(why) from None
        except DatabaseUnavailable as error:
            raise self._rest(str(error)) from error
        self.lost = None
        return found

    def close(self) -> None:
        """Take no more work; a connection that is at work is left to it."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        with contextlib.suppress(queue.Empty):
            while True:
                self._free.get_nowait().close()

    def _kept_run(self, work: Callable[[Connection], T]) -> T:
        kept = self._free.get()
        try:
            return kept.run(work)
        finally:
            self._free.put(kept)

    def _rest(self, why: str) -> DatabaseUnavailable:
        self.lost, self._rested = why, time.monotonic() + REST
        return DatabaseUnavailable(why)


def _forget(call: asyncio.Future[Any]) -> None:
    """Nobody waits for it any more: what it raises is of no interest."""
    if not call.cancelled():
        call.exception()
