"""Run database work in threads, so that the event loop never waits for the database."""

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
# Seconds to wait for the result of short work, and of work over many rows.
PATIENCE, PATIENCE_FOR_MANY = 3.0, 15.0
# Seconds for which a database that did not answer is not asked again.
PAUSE = 0.5


class Reader:
    """Runs work over ``threads`` connections of its own.

    Attributes:
        failure: Why the database did not answer the last time, or None.
    """

    def __init__(self, reconnector: Reconnector, threads: int = THREADS) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="reader")
        self._free: queue.SimpleQueue[PersistentConnection] = queue.SimpleQueue()
        for _ in range(threads):
            self._free.put(PersistentConnection(reconnector))
        self._paused_until = 0.0
        self.failure: str | None = None

    async def run(self, work: Callable[[Connection], T], patience: float = PATIENCE) -> T:
        """The result of ``work``, for which ``patience`` seconds are waited at most.

        Raises:
            DatabaseUnavailable: Also when it took too long.
            DatabaseRefused: One sentence.
        """
        if self.failure is not None and time.monotonic() < self._paused_until:
            raise DatabaseUnavailable(self.failure)
        loop = asyncio.get_running_loop()
        call = loop.run_in_executor(self._pool, functools.partial(self._run_in_thread, work))
        try:
            result = await asyncio.wait_for(asyncio.shield(call), patience)
        except TimeoutError:
            call.add_done_callback(_ignore_result)
            failure = f"The database has not answered within {patience:g} s: check its load."
            raise self._pause(failure) from None
        except DatabaseUnavailable as error:
            raise self._pause(str(error)) from error
        self.failure = None
        return result

    def close(self) -> None:
        """Accept no more work; a connection in use is left to its thread."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        with contextlib.suppress(queue.Empty):
            while True:
                self._free.get_nowait().close()

    def _run_in_thread(self, work: Callable[[Connection], T]) -> T:
        connection = self._free.get()
        try:
            return connection.run(work)
        finally:
            self._free.put(connection)

    def _pause(self, failure: str) -> DatabaseUnavailable:
        self.failure, self._paused_until = failure, time.monotonic() + PAUSE
        return DatabaseUnavailable(failure)


def _ignore_result(call: asyncio.Future[Any]) -> None:
    """Fetch the exception of a call that is no longer awaited: asyncio would log it otherwise."""
    if not call.cancelled():
        call.exception()
