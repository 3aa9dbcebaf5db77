"""Forecasts wanted one by one in; readings of many of them at once out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

K = TypeVar("K")
T = TypeVar("T")

# The size of a reading: more of them would keep others waiting while they are worked out.
CHUNK = 50


class Gathering(Generic[K, T]):
    """Collects what is wanted while a reading is under way; for the event loop's thread.

    A reading costs the database about the same for one as for fifty, and what is wanted twice
    before it has been read is read once.
    """

    def __init__(self, read: Callable[[Sequence[K]], Awaitable[Mapping[K, T]]]) -> None:
        self._read = read
        self._waiting: dict[K, asyncio.Future[T]] = {}
        self._open: dict[K, asyncio.Future[T]] = {}
        self._reading: asyncio.Task[None] | None = None

    def want(self, key: K) -> asyncio.Future[T]:
        """What will be read, or why it could not be.

        Wait for it with ``asyncio.wait``, which does not cancel what others may wait for as well.
        """
        found = self._open.get(key)
        if found is None:
            found = asyncio.get_running_loop().create_future()
            self._waiting[key] = self._open[key] = found
            if self._reading is None:
                self._reading = asyncio.create_task(self._run())
        return found

    async def _run(self) -> None:
        while self._waiting:
            keys = list(self._waiting)[:CHUNK]
            wanted = {key: self._waiting.pop(key) for key in keys}
            try:
                made = await self._read(keys)
                told = [(one, made[key]) for key, one in wanted.items()]
            except Exception as error:
                self._close(keys)
                for one in wanted.values():
                    if not one.done():
                        one.set_exception(error)
                        one.exception()  # looked at here, as nobody may wait for it any more
            else:
                self._close(keys)
                for one, found in told:
                    if not one.done():  # who waited may have been cancelled
                        one.set_result(found)
        self._reading = None

    def _close(self, keys: Sequence[K]) -> None:
        for key in keys:
            del self._open[key]
