"""Find the daily bars of one ticker that have a price in another unit.

Vendors mix rupees with paise, pounds with pence: prices about a hundred times too large or too
small, for a field, a bar or a run of bars. Each price is compared with the one before it, so that
drift, splits and real crashes make no difference: an error is a leap that is reversed later.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from src.core.tables import OHLC

# No split of one session is larger than 20:1; it may fall together with half the price.
LEAST_LEAP = 40.0
# A run is enclosed when there are at least a twentieth as many prices of the usual level on each
# side of it: a single bar at the far end may be an error itself.
ENCLOSING = 20
# A leap that is not reversed is an error of the shorter side only when that is short, both in bars
# and relative to the rest. Else it may be a real split, or a unit changed for good.
EDGE_BARS, EDGE_SHARE = 20, 0.2
# A split divides the price and multiplies the volume; turnover then stays within this, in log10.
# One or two bars do not show it: the first day after a listing trades a hundred times more.
SAME_TURNOVER, SETTLED = 0.5, 3

Levels = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


def unit_errors(bars: pl.DataFrame) -> pl.Series:
    """Which bars have a price at least ``LEAST_LEAP`` times off, that is in another unit.

    A run is an error when the prices on both sides of it are on one level, the most frequent one
    around. At the first or last bars, where one side is missing, it is an error up to
    ``EDGE_BARS`` bars and ``EDGE_SHARE`` of the series, unless it has ``SETTLED`` or more bars with
    the turnover of those beside it, as after a split.

    The bars are of one ticker in date order: open, high, low, close, above zero, and volume; no
    nulls. The result is one boolean a bar, named ``unit_error``.
    """
    prices = np.log10(bars.select(OHLC).to_numpy().astype(np.float64)).ravel()
    volume = np.log10(bars["volume"].to_numpy().astype(np.float64) + 1)
    levels = _levels(prices)
    is_wrong = np.zeros(levels.size, dtype=bool)
    parts = [(0, levels.size)]
    while parts:
        start, end = parts.pop()
        if start < end and (levels[start:end] != levels[start]).any():
            parts += _mark_errors(levels, volume, is_wrong, start, end)
    return pl.Series("unit_error", is_wrong.reshape(-1, len(OHLC)).any(axis=1))


def leaping_series(bars: pl.DataFrame) -> list[tuple[int, int]]:
    """First row and end of each ``series`` in which a price leaps: no other one has a unit error.

    The bars are of any number of series, one after the other.
    """
    number = bars["series"].to_numpy()
    starts = np.flatnonzero(np.diff(number, prepend=-1))
    prices = np.log10(bars.select(OHLC).to_numpy().astype(np.float64)).ravel()
    is_leap = np.abs(np.diff(prices, prepend=prices[:1])) > np.log10(LEAST_LEAP)
    is_leap[starts * len(OHLC)] = False
    leaping = np.unique(starts.searchsorted(np.flatnonzero(is_leap) // len(OHLC), "right")) - 1
    ends = np.append(starts[1:], number.size)
    return list(zip(starts[leaping].tolist(), ends[leaping].tolist(), strict=True))


def _levels(prices: Floats) -> Levels:
    """Powers of ten between each price and the first one, counting only sudden leaps."""
    steps = np.diff(prices, prepend=prices[:1])
    leaps = np.where(np.abs(steps) > np.log10(LEAST_LEAP), np.rint(steps), 0)
    return np.cumsum(leaps).astype(np.int64)


def _mark_errors(
    levels: Levels, volume: Floats, is_wrong: Flags, start: int, end: int
) -> list[tuple[int, int]]:
    """Mark the errors in a part of the prices; return the ends that remain to be examined.

    The stretch that the usual level encloses is the one of greatest sum, as in Kadane's algorithm.
    """
    part = levels[start:end]
    is_usual = part == _usual(part)
    score = np.concatenate([[0], np.cumsum(np.where(is_usual, ENCLOSING, -1))])
    gain = score - np.minimum.accumulate(score)
    stop = score.size - 1 - int(gain[::-1].argmax())
    begin = int(score[: stop + 1].argmin())
    is_wrong[start + begin : start + stop] = ~is_usual[begin:stop]
    first, after = start + begin, start + stop
    open_ended = []
    for edge, inside in (((start, first), first), ((after, end), after - 1)):
        if _is_short(edge, end - start) and not _is_split(levels, volume, edge, inside):
            is_wrong[slice(*edge)] = True
        else:
            open_ended.append(edge)
    return open_ended


def _usual(part: Levels) -> int:
    """The most frequent level; of two equally frequent ones, one at an end."""
    lowest = part.min()
    counts = np.bincount(part - lowest).astype(np.float64)
    counts[part[[0, -1]] - lowest] += 0.5
    return int(lowest + counts.argmax())


def _bars(edge: tuple[int, int]) -> tuple[int, int]:
    return edge[0] // len(OHLC), -(-edge[1] // len(OHLC))


def _is_short(edge: tuple[int, int], prices: int) -> bool:
    start, end = _bars(edge)
    return end - start <= min(EDGE_BARS, EDGE_SHARE * prices / len(OHLC))


def _is_split(levels: Levels, volume: Floats, edge: tuple[int, int], inside: int) -> bool:
    """Whether turnover at the edge is that of the bars beside it, from the price ``inside`` on."""
    start, end = _bars(edge)
    if end - start < SETTLED:
        return False
    is_first_edge = inside >= edge[1]
    beside = volume[end : end + EDGE_BARS] if is_first_edge else volume[:start][-EDGE_BARS:]
    outside = edge[1] - 1 if is_first_edge else edge[0]
    leap = levels[outside] - levels[inside]
    change = np.median(volume[start:end]) - np.median(beside)
    return bool(abs(leap + change) < SAME_TURNOVER)
