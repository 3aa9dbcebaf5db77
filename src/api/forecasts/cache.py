"""Cache forecasts by ticker and horizon until the database has changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from src.api.forecasts.response import DataAge, PreparedForecast, data_age, full_answer
from src.core.model_events import Pair


@dataclass(slots=True)
class CacheEntry:
    """A forecast and its answer as bytes.

    Attributes:
        forecast: The forecast.
        age: Of its prices, true until ``age.until``.
        body: The answer until then.
        read_at: When it was read from the database, aware.
        outdated: Whether the database has changed since.
        problem: Why it is served although the database has changed.
        retried_at: When reading it again last failed, in monotonic seconds.
        logged: Whether its forecast is in the log, or on the way there.
    """

    forecast: PreparedForecast
    age: DataAge
    body: bytes
    read_at: dt.datetime
    outdated: bool = False
    problem: str | None = None
    retried_at: float = 0.0
    logged: bool = False

    @property
    def pool(self) -> str:
        """Whose model made the forecast."""
        pool: str = self.forecast.answer["model"]["pool"]
        return pool

    def read_again(self, now: dt.datetime) -> CacheEntry:
        """The entry where ``now`` the database has proved to hold what it was made from."""
        return CacheEntry(self.forecast, self.age, self.body, now)

    def age_at(self, now: dt.datetime) -> DataAge:
        """Age of its prices at ``now``."""
        return self.age if now < self.age.until else data_age(self.forecast, now)

    def answer(self, now: dt.datetime, stale_after: int, *warnings: str | None) -> bytes:
        """The answer at ``now``, with ``warnings`` that hold for the moment."""
        if now >= self.age.until:
            self.age = self.age_at(now)
            self.body = _render(self.forecast, self.age, stale_after)
        problems = tuple(problem for problem in (*warnings, self.problem) if problem)
        return _render(self.forecast, self.age, stale_after, problems) if problems else self.body


def new_entry(forecast: PreparedForecast, now: dt.datetime, stale_after: int) -> CacheEntry:
    """An entry for a forecast that was read at ``now``."""
    age = data_age(forecast, now)
    return CacheEntry(forecast, age, _render(forecast, age, stale_after), now)


def _render(
    forecast: PreparedForecast, age: DataAge, stale_after: int, problems: tuple[str, ...] = ()
) -> bytes:
    return orjson.dumps(full_answer(forecast, age, stale_after, problems))


class Cache:
    """Entries by ticker and horizon; for the event loop's thread.

    Attributes:
        epoch: How often everything has been invalidated.
    """

    def __init__(self) -> None:
        self._entries: dict[Pair, CacheEntry] = {}
        self.epoch = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[tuple[Pair, CacheEntry]]:
        return iter(list(self._entries.items()))

    def get(self, pair: Pair) -> CacheEntry | None:
        """The entry of a ticker and horizon."""
        return self._entries.get(pair)

    def put(self, pair: Pair, entry: CacheEntry, epoch: int) -> None:
        """Store what was read since ``epoch``; outdated already where that is over."""
        previous = self._entries.get(pair)
        if previous is not None and previous.forecast.log_row == entry.forecast.log_row:
            entry.logged = previous.logged
        entry.outdated = epoch != self.epoch
        self._entries[pair] = entry

    def drop(self, pair: Pair) -> None:
        """Forget a ticker and horizon."""
        self._entries.pop(pair, None)

    def invalidate(self) -> None:
        """Mark every entry as outdated: the database has changed."""
        self.epoch += 1
        for entry in self._entries.values():
            entry.outdated, entry.retried_at = True, 0.0
