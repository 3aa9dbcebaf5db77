"""Forecasts by ticker and horizon, kept until word comes that they have changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from src.api.forecasts import response
from src.api.forecasts.response import Age, Prepared
from src.core.model_events import Pair

Token = tuple[int, int]


@dataclass(slots=True)
class Held:
    """A forecast and its answer as bytes.

    Attributes:
        made: The forecast.
        age: Of its prices, true until ``age.until``.
        body: The answer while that is so.
        read_at: When it was read from the database, aware.
        outdated: Whether something has changed since.
        problem: Why it is answered although something has changed.
        tried: When it was last tried to read it anew, in seconds of a monotonic clock.
        logged: Whether its forecast is in the log, or on the way there.
    """

    made: Prepared
    age: Age
    body: bytes
    read_at: dt.datetime
    outdated: bool = False
    problem: str | None = None
    tried: float = 0.0
    logged: bool = False

    def aged(self, now: dt.datetime) -> Age:
        """How old its prices are at ``now``."""
        return self.age if now < self.age.until else response.age(self.made, now)

    def answer(self, now: dt.datetime, stale_after: int, lost: str | None = None) -> bytes:
        """The answer at ``now``; ``lost`` is a warning that holds for the moment."""
        if now >= self.age.until:
            self.age = self.aged(now)
            self.body = rendered(self.made, self.age, stale_after)
        problems = tuple(one for one in (lost, self.problem) if one)
        return rendered(self.made, self.age, stale_after, problems) if problems else self.body


def held(made: Prepared, now: dt.datetime, stale_after: int) -> Held:
    """Keep a forecast that was read at ``now``."""
    age = response.age(made, now)
    return Held(made, age, rendered(made, age, stale_after), now)


def rendered(made: Prepared, age: Age, stale_after: int, problems: tuple[str, ...] = ()) -> bytes:
    """An answer as JSON."""
    return orjson.dumps(response.whole(made, age, stale_after, problems))


class Cache:
    """What is kept; for the event loop's thread."""

    def __init__(self) -> None:
        self._kept: dict[Pair, Held] = {}
        self._changes: dict[str, int] = {}
        self._epoch = 0

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[tuple[Pair, Held]]:
        return iter(list(self._kept.items()))

    def get(self, pair: Pair) -> Held | None:
        """What is kept of a ticker and horizon."""
        return self._kept.get(pair)

    def token(self, ticker: str) -> Token:
        """To be taken before reading and given back with what was read."""
        return self._epoch, self._changes.get(ticker, 0)

    def put(self, pair: Pair, found: Held, token: Token) -> None:
        """Keep what was read; it is outdated already where word of a change came meanwhile."""
        before = self._kept.get(pair)
        if before is not None and before.made.logged == found.made.logged:
            found.logged = before.logged
        found.outdated = token != self.token(pair[0])
        self._kept[pair] = found

    def drop(self, pair: Pair) -> None:
        """Forget a ticker and horizon."""
        self._kept.pop(pair, None)

    def outdate(self, ticker: str) -> None:
        """Something has changed for a ticker."""
        self._changes[ticker] = self._changes.get(ticker, 0) + 1
        for (name, _), kept in self._kept.items():
            if name == ticker:
                kept.outdated, kept.tried = True, 0.0

    def outdate_all(self) -> None:
        """Something may have changed for any ticker."""
        self._epoch += 1
        for kept in self._kept.values():
            kept.outdated, kept.tried = True, 0.0
