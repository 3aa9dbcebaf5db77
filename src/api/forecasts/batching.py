"""Load values that are requested one by one in batches."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

K = TypeVar("K")
T = TypeVar("T")

# Larger batches would keep other requests waiting while their forecasts are computed.
BATCH_SIZE = 50


class BatchLoader(Generic[K, T]):
    """Collects requested keys while a batch is being loaded; for the event loop's thread.

    A batch costs the database about the same for one key as for fifty, and a key that is
    requested twice before it is loaded is loaded once.
    """

    def __init__(self, load_batch: Callable[[Sequence[K]], Awaitable[Mapping[K, T]]]) -> None:
        self._load_batch = load_batch
        self._queued: dict[K, asyncio.Future[T]] = {}
        self._pending: dict[K, asyncio.Future[T]] = {}
        self._task: asyncio.Task[None] | None = None

    def load(self, key: K) -> asyncio.Future[T]:
        """The value of ``key``, or the exception that loading it raised.

        Wait for it with ``asyncio.wait``: awaiting it directly would, when cancelled, cancel it
        for the other requests that wait for it.
        """
        future = self._pending.get(key)
        if future is None:
            future = asyncio.get_running_loop().create_future()
            self._queued[key] = self._pending[key] = future
            if self._task is None:
                self._task = asyncio.create_task(self._run())
        return future

    async def _run(self) -> None:
        while self._queued:
            keys = list(self._queued)[:BATCH_SIZE]
            futures = {key: self._queued.pop(key) for key in keys}
            try:
                values = await self._load_batch(keys)
                results = [(future, values[key]) for key, future in futures.items()]
            except Exception as error:
                self._forget(keys)
                for future in futures.values():
                    if not future.done():
                        future.set_exception(error)
                        future.exception()  # asyncio would log it where nobody waits any more
            else:
                self._forget(keys)
                for future, value in results:
                    if not future.done():  # it may have been cancelled
                        future.set_result(value)
        self._task = None

    def _forget(self, keys: Sequence[K]) -> None:
        for key in keys:
            del self._pending[key]
