"""Hold the bars of one ticker, with a cache of what several features are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps

from src.core.arrays import Floats

Indicator = Callable[..., Floats]


@dataclass(frozen=True, eq=False)
class Bars:
    """Adjusted bars of one ticker: prices in currency, volume in shares, each (n,).

    ``cache`` keeps what several features are made of, so that it is computed once.
    """

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    cache: dict[tuple[str, int], Floats] = field(default_factory=dict, init=False, repr=False)

    def last(self, rows: int) -> Bars:
        """The last rows, with what is in the cache of them: it may rest on rows before."""
        end = slice(max(self.close.size - rows, 0), None)
        prices = (self.open, self.high, self.low, self.close, self.volume)
        bars = Bars(*(values[end] for values in prices))
        bars.cache.update({key: values[end] for key, values in self.cache.items()})
        return bars


def once(indicator: Indicator) -> Indicator:
    """Compute an indicator, of one window or of none, once per ``Bars``."""

    @wraps(indicator)
    def cached(bars: Bars, window: int = 0) -> Floats:
        key = (f"{indicator.__module__}.{indicator.__name__}", window)
        if key not in bars.cache:
            bars.cache[key] = indicator(bars, window) if window else indicator(bars)
        return bars.cache[key]

    return cached
