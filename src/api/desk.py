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
from typing import TYPE_CHECKING, Any, NamedTuple

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


class Given(NamedTuple):
    """What an answer is made from.

    Attributes:
        kept: The forecast.
        how: From the cache (hit), newly read (miss), or from the cache although something newer
            may be there that could not be read (held).
        lost: What is to be said of that, where the database is the reason.
    """

    kept: Held
    how: str
    lost: str | None = None


@dataclass(eq=False)
class Desk:
    """Answers forecasts; for the event loop's thread.

    Attributes:
        now: The time, aware.
        served: Answers by where they came from: see ``Given.how``.
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
        kept = self.cache.get(pair)
        if kept is not None and not kept.outdated and self.watch.hears():
            how, lost = "hit", None
        else:
            kept, how, lost = await self.forecast(pair)
        self.served[how] += 1
        if not kept.logged:
            kept.logged = self.logbook.offer(kept.made.logged)
        return kept.answer(self.now(), self.stale_after, lost), kept

    async def forecast(self, pair: Pair) -> Given:
        """What an answer is made from, newly read where it has to be; nothing is logged.

        What is kept waits for the database no longer than ``SOON``.

        Raises:
            As ``answer``.
        """
        lost = await self.lookout.look(SOON)
        kept = self.cache.get(pair)
        if kept is not None and not kept.outdated:
            return Given(kept, "held" if lost else "hit", lost)
        if kept is not None and time.monotonic() - kept.tried < RETRY:
            return Given(kept, "held", lost)
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

    async def _read(self, pair: Pair, kept: Held | None) -> Given:
        reading = self._begun(pair)
        await asyncio.wait({reading}, timeout=None if kept is None else SOON)
        if kept is None or reading.done():
            return self._judged(pair, kept, reading)
        return Given(kept, "held", PENDING)

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
    ) -> Given:
        """What was read; where that failed, what is kept, and why."""
        try:
            found = reading.result()[pair]
        except (DatabaseUnavailable, DatabaseRefused) as error:
            if kept is None:
                raise
            return Given(kept, "held", warning(error))
        if isinstance(found, Held):
            return Given(found, "miss")
        if kept is None or found.status != HTTPStatus.SERVICE_UNAVAILABLE:
            raise NoAnswer(found)
        kept.problem = f"{found.detail.rstrip('.')}. Until then the forecast before it is given."
        kept.tried = time.monotonic()
        return Given(kept, "held")

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
