"""Limit the requests of each client, by key or address, by a token bucket."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

MAX_CLIENTS = 10_000


@dataclass
class RateLimit:
    """A bucket of ``per_minute`` tokens for each client, refilled evenly.

    The buckets of the clients that were seen last are kept, ``MAX_CLIENTS`` of them.
    """

    per_minute: int
    _buckets: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def wait(self, client: str, now: float) -> float:
        """Seconds until ``client`` may send a request; 0 lets the one at ``now`` in (monotonic)."""
        tokens, since = self._buckets.pop(client, (float(self.per_minute), now))
        tokens = min(self.per_minute, tokens + (now - since) * self.per_minute / 60)
        allowed = tokens >= 1
        self._buckets[client] = (tokens - allowed, now)
        if len(self._buckets) > MAX_CLIENTS:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - tokens) * 60 / self.per_minute
