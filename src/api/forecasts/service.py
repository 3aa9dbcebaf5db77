"""Answer forecasts from the cache while it is up to date, else from the database."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from src.api.forecasts.batching import BATCH_SIZE, BatchLoader
from src.api.forecasts.cache import Cache, CacheEntry, new_entry
from src.api.forecasts.challengers import ChallengerService
from src.api.forecasts.loader import LoadedModel, Loader, forecast_by
from src.api.schemas.errors import NoForecast
from src.core.errors import DatabaseRefused, DatabaseUnavailable, ForecastError
from src.core.model_events import Pair
from src.core.traffic_split import TrafficSplit
from src.db.tables import traffic_splits

if TYPE_CHECKING:
    from src.api.database.change_poller import ChangePoller
    from src.api.database.reader import Reader
    from src.api.prediction_log.writer import PredictionLog
    from src.db.reconnect import Connection

# Seconds between tries to read an outdated entry again, and for which a cached answer waits.
RETRY_AFTER, PATIENCE_WITH_CACHE = 1.0, 0.25
SLOW = "The database has not answered yet, so this forecast may not be the newest: ask again soon."


class Lookup(NamedTuple):
    """A forecast, and where it came from.

    Attributes:
        entry: The forecast.
        source: From the cache (hit), newly read (miss), or from the cache although the database
            may hold a newer one that could not be read (stale).
        warning: A sentence about the database, where that is the reason.
    """

    entry: CacheEntry
    source: str
    warning: str | None = None


@dataclass(eq=False)
class ForecastService:
    """Answers forecasts; for the event loop's thread.

    Attributes:
        now: The current time, aware.
        served: Answers by ``Lookup.source``.
    """

    cache: Cache
    reader: Reader
    loader: Loader
    poller: ChangePoller
    log: PredictionLog
    now: Callable[[], dt.datetime]
    stale_after: int
    served: Counter[str] = field(default_factory=Counter)
    challengers: ChallengerService = field(init=False)
    _batches: BatchLoader[Pair, CacheEntry | NoForecast] = field(init=False)

    def __post_init__(self) -> None:
        self._batches = BatchLoader(self._load_batch)
        self.challengers = ChallengerService(
            self.reader, self.loader, self.poller, self.now, self.stale_after
        )

    def update(self, splits: Sequence[TrafficSplit]) -> None:
        """Go on after a change of the database, in which these trials split the traffic."""
        self.cache.invalidate()
        self.challengers.update(splits)

    async def read_splits(self) -> None:
        """Split the traffic as the database says now; the next poll tells where it says nothing."""
        with contextlib.suppress(ForecastError):
            self.challengers.update(await self.reader.run(traffic_splits.in_force))

    async def answer(self, pair: Pair, client: bytes | None = None) -> tuple[bytes, CacheEntry]:
        """The answer and its cache entry; the served forecast will be logged.

        Args:
            pair: Ticker and horizon.
            client: What tells the client from others, where it may get a challenger's answer.

        Raises:
            NoForecast: With its status.
            DatabaseUnavailable: And nothing is cached.
        """
        entry = self.cache.get(pair)
        if entry is not None and not entry.outdated and self.poller.is_healthy():
            source, warning = "hit", None
        else:
            entry, source, warning = await self.look_up(pair)
        self.served[source] += 1
        why_served = None
        if client is not None:
            result = await self.challengers.answer(pair, entry.pool, client)
            if isinstance(result, CacheEntry):
                return result.answer(self.now(), self.stale_after), result
            why_served = result
        if not entry.logged:
            entry.logged = self.log.offer(entry.forecast.log_row)
        return entry.answer(self.now(), self.stale_after, why_served, warning), entry

    async def look_up(self, pair: Pair) -> Lookup:
        """The forecast to answer with, read again where it is outdated; nothing is logged.

        A cached forecast waits for the database no longer than ``PATIENCE_WITH_CACHE``.

        Raises:
            As ``answer``.
        """
        entry = self.cache.get(pair)
        if entry is None or (entry.outdated and time.monotonic() - entry.retried_at >= RETRY_AFTER):
            return await self._read(pair, entry)
        failure = self.poller.failure
        warning = None if failure is None else _last_known(failure)
        return Lookup(entry, "stale" if entry.outdated or warning else "hit", warning)

    async def load_missing(
        self, pairs: Sequence[Pair], client: bytes | None = None
    ) -> dict[Pair, NoForecast]:
        """Read what is not in the cache; returns what there is no forecast of, and why."""
        refused = await self._load_served(pairs)
        if client is not None:
            entries = ((pair, self.cache.get(pair)) for pair in dict.fromkeys(pairs))
            pools = [(pair, entry.pool) for pair, entry in entries if entry is not None]
            await self.challengers.load_missing(pools, client)
        return refused

    async def _load_served(self, pairs: Sequence[Pair]) -> dict[Pair, NoForecast]:
        missing = [pair for pair in dict.fromkeys(pairs) if self._is_missing(pair)]
        refused: dict[Pair, NoForecast] = {}
        for start in range(0, len(missing), BATCH_SIZE):
            # One batch after the other, so that single requests get a turn in between.
            batch = {pair: self._batches.load(pair) for pair in missing[start : start + BATCH_SIZE]}
            await asyncio.wait(batch.values())
            if any(isinstance(future.exception(), ForecastError) for future in batch.values()):
                break
            for pair, future in batch.items():
                result = future.result()
                if isinstance(result, NoForecast) and self.cache.get(pair) is None:
                    refused[pair] = result
        return refused

    def _is_missing(self, pair: Pair) -> bool:
        entry = self.cache.get(pair)
        return entry is None or entry.outdated

    async def _read(self, pair: Pair, cached: CacheEntry | None) -> Lookup:
        future = self._batches.load(pair)
        await asyncio.wait({future}, timeout=None if cached is None else PATIENCE_WITH_CACHE)
        if cached is None or future.done():
            return self._choose(cached, future)
        return Lookup(cached, "stale", SLOW)

    def _choose(
        self, cached: CacheEntry | None, future: asyncio.Future[CacheEntry | NoForecast]
    ) -> Lookup:
        """What was read; where that failed, what is cached, and why."""
        try:
            result = future.result()
        except (DatabaseUnavailable, DatabaseRefused) as error:
            if cached is None:
                raise
            return Lookup(cached, "stale", _last_known(str(error)))
        if isinstance(result, CacheEntry):
            return Lookup(result, "miss")
        if cached is None or result.status != HTTPStatus.SERVICE_UNAVAILABLE:
            # Several requests may wait for the same result: each raises it anew.
            raise result.with_traceback(None)
        cached.problem = f"{str(result).rstrip('.')}. The previous forecast is served until then."
        cached.retried_at = time.monotonic()
        return Lookup(cached, "stale")

    async def _load_batch(self, pairs: Sequence[Pair]) -> dict[Pair, CacheEntry | NoForecast]:
        epoch = self.cache.epoch
        models = await self.reader.run(partial(self._load_models, pairs))
        now = self.now()
        results: dict[Pair, CacheEntry | NoForecast] = {}
        for pair, model in models.items():
            results[pair] = result = self._entry(pair, model, now)
            if isinstance(result, CacheEntry):
                self.cache.put(pair, result, epoch)
            elif result.status == HTTPStatus.NOT_FOUND:
                self.cache.drop(pair)
        return results

    def _entry(
        self, pair: Pair, model: LoadedModel | NoForecast, now: dt.datetime
    ) -> CacheEntry | NoForecast:
        """An entry for the forecast of a model; of the cached one where it was made from the same.

        Whatever changes in the database makes every entry outdated, though most were made from
        what has not changed: to compare costs a twentieth of a forecast.
        """
        cached = self.cache.get(pair)
        if cached is not None and cached.forecast.made_from == model:
            return cached.read_again(now)
        forecast = forecast_by(model)
        if isinstance(forecast, NoForecast):
            return forecast
        return new_entry(forecast, now, self.stale_after)

    def _load_models(
        self, pairs: Sequence[Pair], connection: Connection
    ) -> dict[Pair, LoadedModel | NoForecast]:
        return self.loader.load(connection, pairs)


def _last_known(failure: str) -> str:
    """The warning beside a forecast that was read before the database was lost."""
    return f"{failure.rstrip('.')}. This forecast is the last one read from it."
