"""Answer a share of the clients by the challengers of running trials."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from src.api.forecasts.batching import BATCH_SIZE, BatchLoader
from src.api.forecasts.cache import CacheEntry, new_entry
from src.api.schemas.errors import NoForecast
from src.config import logs
from src.core.errors import ForecastError
from src.core.model_events import Pair
from src.core.traffic_split import CHALLENGER, FALLBACK, SERVED, Assignment, TrafficSplit, assign
from src.db.tables.traffic_splits import ChallengerKey

if TYPE_CHECKING:
    from src.api.database.change_poller import ChangePoller
    from src.api.database.reader import Reader
    from src.api.forecasts.loader import Loader

# Seconds from a challenger that had no answer to the next try.
RETRY_AFTER = 1.0
# Clients whose arm is logged, by trial and arm; clients can make up any number of ids.
MOST_LOGGED = 10_000

log = logs.get(__name__)


@dataclass(eq=False)
class ChallengerService:
    """Answers of challengers and whom they are for; for the event loop's thread.

    Attributes:
        now: The current time, aware.
        splits: Of running trials, by pool and horizon.
        answered: Answers by trial and arm, since the start.
    """

    reader: Reader
    loader: Loader
    poller: ChangePoller
    now: Callable[[], dt.datetime]
    stale_after: int
    splits: dict[Pair, TrafficSplit] = field(default_factory=dict)
    answered: Counter[tuple[str, str]] = field(default_factory=Counter)
    _entries: dict[ChallengerKey, CacheEntry] = field(default_factory=dict)
    _refused: dict[ChallengerKey, tuple[str, float]] = field(default_factory=dict)
    _logged: set[tuple[str, str, str]] = field(default_factory=set)
    _batches: BatchLoader[ChallengerKey, CacheEntry | NoForecast] = field(init=False)

    def __post_init__(self) -> None:
        self._batches = BatchLoader(self._load_batch)

    def update(self, splits: Iterable[TrafficSplit]) -> None:
        """Split by these from now on, and read everything again: the database has changed.

        Of two splits of a pool and horizon the first counts.
        """
        self.splits = {}
        for split in splits:
            self.splits.setdefault((split.pool, split.horizon), split)
        self._entries, self._refused = {}, {}

    async def answer(self, pair: Pair, pool: str, client: bytes) -> CacheEntry | str | None:
        """What a client gets instead of the served forecast of a ticker and horizon.

        Returns:
            The challenger's; one sentence where it has none; None where the client is not among
            its share, or there is no split.
        """
        split = self._split_of(pair, pool)
        if split is None:
            return None
        assignment = assign(split.trial, client)
        if not split.includes(assignment):
            self._count(split, assignment, SERVED)
            return None
        result = await self._look_up((*pair, split.trial))
        if isinstance(result, CacheEntry):
            self._count(split, assignment, CHALLENGER)
            return result
        self._count(split, assignment, FALLBACK, result)
        return f"{result.rstrip('.')}. Trial {split.trial[:12]} answers by the served forecast."

    async def load_missing(self, pools: Iterable[tuple[Pair, str]], client: bytes) -> None:
        """Read in batches what ``answer`` will need for tickers and horizons of pools."""
        missing = []
        for pair, pool in pools:
            split = self._split_of(pair, pool)
            if split is not None and split.includes(assign(split.trial, client)):
                key = (*pair, split.trial)
                if self._cached(key) is None:
                    missing.append(key)
        for start in range(0, len(missing), BATCH_SIZE):
            futures = [self._batches.load(key) for key in missing[start : start + BATCH_SIZE]]
            await asyncio.wait(futures)
            if any(future.exception() for future in futures):
                return

    def _split_of(self, pair: Pair, pool: str) -> TrafficSplit | None:
        split = self.splits.get((pool, pair[1]))
        return split if split is not None and split.covers(pair[0]) else None

    def _cached(self, key: ChallengerKey) -> CacheEntry | str | None:
        """What is in memory: a forecast, or why there was none a moment ago."""
        reason, until = self._refused.get(key, ("", 0.0))
        return self._entries.get(key) or (reason if time.monotonic() < until else None)

    async def _look_up(self, key: ChallengerKey) -> CacheEntry | str:
        if self.poller.failure is not None:
            # Nobody could switch the split off.
            return self.poller.failure
        if (cached := self._cached(key)) is not None:
            return cached
        future = self._batches.load(key)
        await asyncio.wait({future})
        try:
            result = future.result()
        except ForecastError as error:
            return str(error)
        return result if isinstance(result, CacheEntry) else str(result)

    async def _load_batch(
        self, keys: Sequence[ChallengerKey]
    ) -> dict[ChallengerKey, CacheEntry | NoForecast]:
        entries, refused = self._entries, self._refused
        forecasts = await self.reader.run(partial(self.loader.load_challengers, keys=keys))
        now, until = self.now(), time.monotonic() + RETRY_AFTER
        results: dict[ChallengerKey, CacheEntry | NoForecast] = {}
        for key, forecast in forecasts.items():
            # After a change meanwhile these are not read any longer.
            if isinstance(forecast, NoForecast):
                refused[key] = str(forecast), until
                results[key] = forecast
            else:
                entries[key] = results[key] = new_entry(forecast, now, self.stale_after)
        return results

    def _count(
        self, split: TrafficSplit, assignment: Assignment, arm: str, reason: str = ""
    ) -> None:
        self.answered[split.trial, arm] += 1
        mark = (split.trial, assignment.client, arm)
        if mark in self._logged or len(self._logged) >= MOST_LOGGED:
            return
        self._logged.add(mark)
        log.info(
            "A client is answered in the split of a trial.",
            trial=split.trial,
            client=assignment.client[:16],
            number=round(assignment.number, 6),
            share=split.share,
            arm=arm,
            reason=reason,
            file_only=True,
        )
