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

from src.api.database.lookout import PENDING, Lookout, warning
from src.api.database.reader import Reader
from src.api.forecasts.batching import CHUNK, Gathering
from src.api.forecasts.cache import Cache, Held, Token, held
from src.api.forecasts.loader import Loader, Refused, made
from src.core.errors import DatabaseRefused, DatabaseUnavailable, ForecastError
from src.core.model_events import Pair

if TYPE_CHECKING:
    from src.api.database.change_poller import Watch
    from src.api.prediction_log.writer import Logbook

# Seconds between tries to read anew what could not be read, and for which what is kept waits.
RETRY, SOON = 1.0, 0.25


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
    _gathering: Gathering[Pair, Held | Refused] = field(init=False)

    def __post_init__(self) -> None:
        self.lookout = Lookout(self.reader, self.watch, self.cache)
        self._gathering = Gathering(self._load)

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
        """Read what is not kept of many; those that there is no forecast of, and why."""
        await self.lookout.look(SOON)
        missing = [pair for pair in dict.fromkeys(pairs) if self._missing(pair)]
        refused: dict[Pair, Refused] = {}
        for start in range(0, len(missing), CHUNK):
            # One after the other, so that who asks for one forecast gets a turn in between.
            wanted = missing[start : start + CHUNK]
            readings = {pair: self._gathering.want(pair) for pair in wanted}
            await asyncio.wait(readings.values())
            if any(isinstance(one.exception(), ForecastError) for one in readings.values()):
                break
            for pair, reading in readings.items():
                found = reading.result()
                if isinstance(found, Refused) and self.cache.get(pair) is None:
                    refused[pair] = found
        return refused

    def _missing(self, pair: Pair) -> bool:
        kept = self.cache.get(pair)
        return kept is None or kept.outdated

    async def _read(self, pair: Pair, kept: Held | None) -> Given:
        reading = self._gathering.want(pair)
        await asyncio.wait({reading}, timeout=None if kept is None else SOON)
        if kept is None or reading.done():
            return self._judged(kept, reading)
        return Given(kept, "held", PENDING)

    def _judged(self, kept: Held | None, reading: asyncio.Future[Held | Refused]) -> Given:
        """What was read; where that failed, what is kept, and why."""
        try:
            found = reading.result()
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

    async def _load(self, pairs: Sequence[Pair]) -> dict[Pair, Held | Refused]:
        tokens: dict[Pair, Token] = {pair: self.cache.token(pair[0]) for pair in pairs}
        read = await self.reader.run(partial(self._loaded, pairs))
        found: dict[Pair, Held | Refused] = {}
        now = self.now()
        for pair, one in ((pair, made(one)) for pair, one in read.items()):
            if isinstance(one, Refused):
                found[pair] = one
                if one.status == HTTPStatus.NOT_FOUND:
                    self.cache.drop(pair)
            else:
                found[pair] = kept = held(one, now, self.stale_after)
                self.cache.put(pair, kept, tokens[pair])
        return found

    def _loaded(self, pairs: Sequence[Pair], connection: Any) -> dict[Pair, Any]:
        return self.loader.load(connection, pairs)
