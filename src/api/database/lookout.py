"""While no change would be heard of: a look at the database now and then, behind the answers."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from src.core.errors import ForecastError
from src.db.tables import live_inputs

if TYPE_CHECKING:
    from src.api.database.change_poller import Watch
    from src.api.database.reader import Reader
    from src.api.forecasts.cache import Cache

# Seconds between looks.
EVERY = 0.5
PENDING = (
    "The database has not answered yet, so this forecast may not be the newest: ask again soon."
)


class Lookout:
    """Outdates the cache when the version has changed; for the event loop's thread."""

    def __init__(self, reader: Reader, watch: Watch, cache: Cache) -> None:
        self._reader, self._watch, self._cache = reader, watch, cache
        self._looking: asyncio.Task[None] | None = None
        self._looked = 0.0
        self._version: str | None = None
        self._lost: str | None = None

    async def look(self, patience: float) -> str | None:
        """None where the cache is as new as the database, else a warning for what it gives.

        It takes ``patience`` seconds at most; the look goes on behind.
        """
        if self._watch.hears():
            return None
        if self._looking is not None:
            return self._lost or PENDING
        if time.monotonic() - self._looked >= EVERY:
            self._looking = asyncio.create_task(self._see())
            done, _ = await asyncio.wait({self._looking}, timeout=patience)
            if not done:
                return self._lost or PENDING
        return self._lost

    async def _see(self) -> None:
        try:
            version = await self._reader.run(live_inputs.fingerprint)
        except ForecastError as error:
            self._lost = warning(error)
        else:
            self._lost = None
            if version != self._version:
                self._version = version
                self._cache.outdate_all()
        finally:
            self._looked, self._looking = time.monotonic(), None


def warning(error: ForecastError) -> str:
    """What is said beside a forecast that was read before the database was lost."""
    return f"{str(error).rstrip('.')}. This forecast is the last one read from it."
