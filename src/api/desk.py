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
from src.api.reader import PATIENCE, Reader
from src.core.errors import DatabaseUnavailable, ForecastError
from src.db import answering

if TYPE_CHECKING:
    from src.api.logbook import Logbook
    from src.api.watch import Watch

# Seconds between looks at the version while nothing is heard, and between tries to read anew
# what could not be read.
LOOK, RETRY = 0.5, 1.0
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
    _reading: dict[Pair, asyncio.Future[dict[Pair, Held | Refused]]] = field(default_factory=dict)
    _version: str | None = None
    _looked: float = 0.0
    _lost: str | None = None

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

    async def forecast(self, pair: Pair, patience: float = PATIENCE) -> tuple[Held, str | None]:
        """What an answer is made from, newly read where it has to be; nothing is logged.

        Beside it a warning, where it may not be the newest because the database is lost.

        Raises:
            As ``answer``.
        """
        lost = await self._look(patience)
        kept = self.cache.get(pair)
        if kept is not None and not kept.outdated:
            self.served["held" if lost else "hit"] += 1
            return kept, lost
        if kept is not None and time.monotonic() - kept.tried < RETRY:
            self.served["held"] += 1
            return kept, lost
        return await self._read(pair, kept, patience)

    async def prepare(self, pairs: Sequence[Pair]) -> None:
        """Read many at once, some at a time; whatever fails is told when it is asked for."""
        await self._look(PATIENCE)
        missing = [pair for pair in dict.fromkeys(pairs) if self._missing(pair)]
        for start in range(0, len(missing), CHUNK):
            try:
                await self._load(missing[start : start + CHUNK], patience=PATIENCE * 5)
            except ForecastError:
                return

    def _missing(self, pair: Pair) -> bool:
        kept = self.cache.get(pair)
        return kept is None or kept.outdated

    async def _read(
        self, pair: Pair, kept: Held | None, patience: float
    ) -> tuple[Held, str | None]:
        reading = self._reading.get(pair)
        if reading is None:
            reading = self._reading[pair] = asyncio.ensure_future(self._load([pair], patience))
            reading.add_done_callback(lambda _: self._reading.pop(pair, None))
        try:
            found = (await asyncio.shield(reading))[pair]
        except DatabaseUnavailable as error:
            if kept is None:
                raise
            self.served["held"] += 1
            return kept, _warning(error)
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

    async def _look(self, patience: float) -> str | None:
        """While no change would be heard of, see now and then whether there was one.

        A warning when that cannot be seen either.
        """
        if self.watch.hears():
            return None
        if time.monotonic() - self._looked < LOOK:
            return self._lost
        self._looked = time.monotonic()
        try:
            version = await self.reader.run(answering.version, patience)
        except ForecastError as error:
            self._lost = _warning(error)
            return self._lost
        self._lost = None
        if version != self._version:
            self._version = version
            self.cache.outdate_all()
        return None


def _warning(error: ForecastError) -> str:
    return f"{str(error).rstrip('.')}. This forecast is the last one read from it."
