"""Generate a synthetic daily bar for any date, and hourly bars that add up to it.

The price moves on every day of the week, little at weekends, so that a bar depends on its date
alone and not on the calendar: moves while the exchange was closed appear as an overnight gap.
Volatility follows a slow random path, which gives clusters and fat tails. Prices are in ticks.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import NamedTuple

import numpy as np

from src.core.arrays import Floats, Ints

SEED = 24
TICKS = 20  # per rupee: NSE prices move in steps of .05
START_PRICE, YEARLY_DRIFT = 1000.0, 0.08
WEEKEND_SHARE = 0.25  # of a weekday's variance and drift
SHARES_OF_A_YEAR = 261 + 104 * WEEKEND_SHARE
TYPICAL_VOLATILITY, SPREAD, PERSISTENCE = 0.011, 0.45, 0.97  # spread: of the log volatility
OVERNIGHT_SHARE = 0.2  # of a day's variance
RANGE = 0.4  # of a day's volatility: how far high and low go beyond open and close
TYPICAL_VOLUME = 2.5e6
VOLATILITY, GAP, DAY, ABOVE, BELOW, VOLUME, HOURS = range(7)  # streams of draws


class Bar(NamedTuple):
    """Prices in ticks, so that comparisons and sums are exact."""

    open: int
    high: int
    low: int
    close: int
    volume: int


def daily_bars(first: dt.date, until: dt.date) -> dict[dt.date, Bar]:
    """A bar for every day of the week; ``first`` fixes where the path begins, so keep it."""
    days = np.arange(first.toordinal(), until.toordinal() + 1)
    shares = np.where((days - 1) % 7 >= 5, WEEKEND_SHARE, 1.0)  # ordinal 1 was a Monday
    scale = _volatility(_normals(days, VOLATILITY)) * np.sqrt(shares)
    gap = scale * math.sqrt(OVERNIGHT_SHARE) * _normals(days, GAP)
    moved = scale * math.sqrt(1 - OVERNIGHT_SHARE) * _normals(days, DAY)
    moved += math.log1p(YEARLY_DRIFT) / SHARES_OF_A_YEAR * shares
    at_close = math.log(START_PRICE) + np.cumsum(gap + moved)
    opens, closes = _whole(TICKS * _exp(at_close - moved)), _whole(TICKS * _exp(at_close))
    reach = RANGE * scale * closes
    highs = np.maximum(opens, closes) + _whole(np.abs(_normals(days, ABOVE)) * reach)
    lows = np.minimum(opens, closes) - _whole(np.abs(_normals(days, BELOW)) * reach)
    volumes = _volumes(gap + moved, _normals(days, VOLUME))
    columns = [part.tolist() for part in (opens, highs, np.maximum(lows, 1), closes, volumes)]
    keys = [dt.date.fromordinal(day) for day in days.tolist()]
    return {key: Bar(*bar) for key, *bar in zip(keys, *columns, strict=True)}


def hourly_bars(day: dt.date, bar: Bar, count: int) -> list[Bar]:
    """``count`` bars that start at the open, end at the close and touch high and low."""
    draws = _uniforms(np.full(4 * count, day.toordinal()), HOURS, np.arange(4 * count))
    turn, above, below, weight = draws.reshape(4, count).tolist()
    closes = [_between(bar, (hour + 1) / count, turn[hour]) for hour in range(count - 1)]
    closes.append(bar.close)
    opens = [bar.open, *closes[:-1]]
    tops, bottoms = list(map(max, opens, closes)), list(map(min, opens, closes))
    highs = [top + int(u * (bar.high - top) / 3) for top, u in zip(tops, above, strict=True)]
    lows = [low - int(u * (low - bar.low) / 3) for low, u in zip(bottoms, below, strict=True)]
    highs[tops.index(max(tops))], lows[bottoms.index(min(bottoms))] = bar.high, bar.low
    volumes = _portions(bar.volume, [1 + u for u in weight])
    return [Bar(*part) for part in zip(opens, highs, lows, closes, volumes, strict=True)]


def _between(bar: Bar, progress: float, turn: float) -> int:
    trend = bar.open + (bar.close - bar.open) * progress
    wandered = trend + (bar.high - bar.low) * 0.6 * (turn - 0.5)
    return min(max(round(wandered), bar.low), bar.high)


def _portions(total: int, weights: list[float]) -> list[int]:
    reached = [math.floor(total * sum(weights[:k]) / sum(weights)) for k in range(len(weights))]
    return [after - before for before, after in zip(reached, [*reached[1:], total], strict=True)]


def _volatility(shocks: Floats) -> Floats:
    size = SPREAD * math.sqrt(1 - PERSISTENCE**2)
    log, path = 0.0, []
    for shock in shocks.tolist():
        log = PERSISTENCE * log + size * shock
        path.append(log)
    return TYPICAL_VOLATILITY * _exp(np.array(path))


def _volumes(moves: Floats, noise: Floats) -> Ints:
    turmoil = np.minimum(np.abs(moves) / TYPICAL_VOLATILITY, 4.0)
    return _whole(TYPICAL_VOLUME * _exp(0.3 * noise + 0.25 * turmoil))


def _exp(values: Floats) -> Floats:
    """One value at a time: numpy may compute the last few of an array in another way."""
    return np.array([math.exp(value) for value in values.tolist()])


def _whole(values: Floats) -> Ints:
    return np.rint(values).astype(np.int64)


def _normals(days: Ints, stream: int) -> Floats:
    """Sums of twelve uniforms: normal enough, and the same on every machine."""
    draws = np.zeros(len(days))
    for number in range(12):
        draws += _uniforms(days, stream, np.full(len(days), number))
    return draws - 6.0


def _uniforms(days: Ints, stream: int, numbers: Ints) -> Floats:
    """Hashes of (seed, day, stream, number) by splitmix64: no version of numpy changes them."""
    mixed = (SEED << 48 | days << 24 | stream << 16 | numbers).astype(np.uint64)
    mixed *= np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53
