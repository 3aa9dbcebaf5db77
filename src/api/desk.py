"""A ticker and a horizon in, the bytes of the answer out: from the cache wherever that is true."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from src.api.cache import Cache, Held, Token, held
from src.api.loader import Loader, Pair, Refused
from src.api.lookout import PENDING, Lookout, warning
from src.api.reader import PATIENCE, PATIENCE_FOR_MANY, Reader
from src.core.errors import DatabaseRefused, DatabaseUnavailable, ForecastError

if TYPE_CHECKING:
    from src.api.logbook import Logbook
    from src.api.watch import Watch

# Seconds between tries to read anew what could not be read, and for which what is kept waits.
RETRY, SOON = 1.0, 0.25
# Forecasts read at once: others get their turn in between.
CHUNK = 50


class NoAnswer(ForecastError):
    """There is no forecast; ``refused`` says why."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.detail)
        self.refused = refused


@dataclass(eq=False)
class Desk:
    """Answers forecasts; for the event loop's thread.

    Attributes:
        now: The time, aware.
        served: How often an answer came from the cache (hit), was read (miss), or was given
            although something newer could not be read (held).
    """

    cache: Cache
    reader: Reader
    loader: Loader
    watch: Watch
    logbook: Logbook
    now: Callable[[], dt.datetime]
    stale_after: int
    served: Counter[str] = field(default_factory=Counter)
    lookout: Lookout = field(init=False)
    _reading: dict[Pair, asyncio.Task[dict[Pair, Held | Refused]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lookout = Lookout(self.reader, self.watch, self.cache)

    async def answer(self, pair: Pair) -> tuple[bytes, Held]:
        """The answer and what it was made from; it will be logged.

        Raises:
            NoAnswer: with its status.
            DatabaseUnavailable: and nothing is kept.
        """
        kept, lost = self.cache.get(pair), None
        if kept is not None and not kept.outdated and self.watch.hears():
            self.served["hit"] += 1
        else:
            kept, lost = await self.forecast(pair)
        if not kept.logged:
            kept.logged = self.logbook.offer(kept.made.logged)
        return kept.answer(self.now(), self.stale_after, lost), kept

    async def forecast(self, pair: Pair) -> tuple[Held, str | None]:
        """What an answer is made from, newly read where it has to be; nothing is logged.

        Beside it a warning, where it may not be the newest because the database is lost. What is
        kept waits for the database no longer than ``SOON``.

        Raises:
            As ``answer``.
        """
        lost = await self.lookout.look(SOON)
        kept = self.cache.get(pair)
        if kept is not None and not kept.outdated:
            self.served["held" if lost else "hit"] += 1
            return kept, lost
        if kept is not None and time.monotonic() - kept.tried < RETRY:
            self.served["held"] += 1
            return kept, lost
        return await self._read(pair, kept)

    async def prepare(self, pairs: Sequence[Pair]) -> dict[Pair, Refused]:
        """Read many at once, some at a time; those that there is no forecast of, and why."""
        await self.lookout.look(SOON)
        missing = [pair for pair in dict.fromkeys(pairs) if self._missing(pair)]
        refused: dict[Pair, Refused] = {}
        for start in range(0, len(missing), CHUNK):
            try:
                found = await self._load(missing[start : start + CHUNK], PATIENCE_FOR_MANY)
            except (DatabaseUnavailable, DatabaseRefused):
                break
            for pair, one in found.items():
                if isinstance(one, Refused) and self.cache.get(pair) is None:
                    refused[pair] = one
        return refused

    def _missing(self, pair: Pair) -> bool:
        kept = self.cache.get(pair)
        return kept is None or kept.outdated

    async def _read(self, pair: Pair, kept: Held | None) -> tuple[Held, str | None]:
        reading = self._begun(pair)
        await asyncio.wait({reading}, timeout=None if kept is None else SOON)
        if kept is None or reading.done():
            return self._judged(pair, kept, reading)
        self.served["held"] += 1
        return kept, PENDING

    def _begun(self, pair: Pair) -> asyncio.Task[dict[Pair, Held | Refused]]:
        """One reading of a ticker and horizon, however many ask for it."""
        reading = self._reading.get(pair)
        if reading is None:
            reading = self._reading[pair] = asyncio.create_task(self._load([pair], PATIENCE))
            reading.add_done_callback(partial(self._ended, pair))
        return reading

    def _ended(self, pair: Pair, reading: asyncio.Task[Any]) -> None:
        self._reading.pop(pair, None)
        if not reading.cancelled():
            reading.exception()  # looked at here, as nobody may wait for it any more

    def _judged(
        self, pair: Pair, kept: Held | None, reading: asyncio.Task[dict[Pair, Held | Refused]]
    ) -> tuple[Held, str | None]:
        """What was read; where that failed, what is kept, and why."""
        try:
            found = reading.result()[pair]
        except (DatabaseUnavailable, DatabaseRefused) as error:
            if kept is None:
                raise
            self.served["held"] += 1
            return kept, warning(error)
        if isinstance(found, Held):
            self.served["miss"] += 1
            return found, None
        if kept is None or found.status != HTTPStatus.SERVICE_UNAVAILABLE:
            raise NoAnswer(found)
        kept.problem = f"{found.detail.rstrip('.')}. Until then the forecast before it is given."
        kept.tried = time.monotonic()
        self.served["held"] += 1
        return kept, None

    async def _load(self, pairs: Sequence[Pair], patience: float) -> dict[Pair, Held | Refused]:
        tokens: dict[Pair, Token] = {pair: self.cache.token(pair[0]) for pair in pairs}
        made = await self.reader.run(partial(self._loaded, pairs), patience)
        found: dict[Pair, Held | Refused] = {}
        for pair, one in made.items():
            if isinstance(one, Refused):
                found[pair] = one
                if one.status == HTTPStatus.NOT_FOUND:
                    self.cache.drop(pair)
            else:
                found[pair] = kept = held(one, self.now(), self.stale_after)
                self.cache.put(pair, kept, tokens[pair])
        return found

    def _loaded(self, pairs: Sequence[Pair], connection: Any) -> dict[Pair, Any]:
        return self.loader.load(connection, pairs)
