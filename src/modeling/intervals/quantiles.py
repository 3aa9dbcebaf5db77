"""Estimate quantiles of the next outcome from past ones, corrected for how few there are."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from src.core.arrays import Floats, Ints, Singles

LEVELS: Floats = np.array([0.025, *np.arange(1, 20) / 20, 0.975])
# Central intervals that are shown, by the share of outcomes that each should contain.
INTERVALS = (0.5, 0.8, 0.9, 0.95)
REFERENCE_WINDOW = 500
REFERENCE_FROM = 100


def of_sorted(
    ordered: Floats,
    levels: Floats = LEVELS,
    *,
    at_least: int = 1,
    counts: Ints | None = None,
) -> Floats:
    """Quantiles of each row's finite values; (rows, K), NaN with fewer than ``at_least``.

    Position level x (count + 1) with linear interpolation (Weibull; Hyndman-Fan 1996, type 6):
    the next outcome, exchangeable with those seen, lies below it with that probability.

    Args:
        ordered: (rows, most), ascending, NaN last.
        levels: (K,).
        at_least: Values a row needs.
        counts: How many of a row are finite, where that is known; (rows,).
    """
    count = np.isfinite(ordered).sum(axis=1) if counts is None else counts
    out = np.full((len(ordered), len(levels)), np.nan)
    enough = np.flatnonzero(count >= at_least)
    top = np.maximum(count[enough] - 1, 0)[:, None]
    place = np.clip(levels * (count[enough, None] + 1) - 1, 0, top)
    low = place.astype(np.int64)
    below = ordered[enough[:, None], low]
    above = ordered[enough[:, None], np.minimum(low + 1, top)]
    out[enough] = below + (place - low) * (above - below)
    return out


def widen(quantiles: Floats, n_eff: Floats) -> Floats:
    """Move quantiles away from their median, more so the fewer independent outcomes; (rows, K).

    By sqrt(1 + 1 / n_eff): the middle of n outcomes is itself uncertain by about 1 / n of their
    variance, as in a prediction interval around a mean.

    Args:
        quantiles: (rows, K), of levels symmetric around .5.
        n_eff: (rows,), above 0.
    """
    middle = quantiles[:, quantiles.shape[1] // 2][:, None]
    return middle + (quantiles - middle) * np.sqrt(1 + 1 / n_eff)[:, None]


def interval_bounds(share: float, levels: Floats = LEVELS) -> tuple[int, int]:
    """Positions of the levels (1 - share) / 2 and (1 + share) / 2; ValueError if not there."""
    positions = []
    for level in ((1 - share) / 2, (1 + share) / 2):
        at = int(np.argmin(np.abs(levels - level)))
        if abs(levels[at] - level) > 1e-9:
            raise ValueError(f"the grid has no level {level:.4g} for an interval of {share:.4g}")
        positions.append(at)
    return positions[0], positions[1]


def cdf(quantiles: Floats, x: Floats, levels: Floats = LEVELS) -> Floats:
    """Probability of an outcome up to ``x``, linear between quantiles; shape of ``x``.

    Outside the outermost quantiles it is the outermost level, beyond which nothing is known. Where
    quantiles coincide it is the middle of their levels.

    Args:
        quantiles: (..., K), ascending.
        x: (...).
        levels: (K,).
    """
    rows, values = quantiles.reshape(-1, quantiles.shape[-1]), np.ravel(x)
    known = np.isfinite(values) & np.isfinite(rows).all(axis=1)
    below, through = (rows < values[:, None]).sum(axis=1), (rows <= values[:, None]).sum(axis=1)
    low, high = _level_at(rows, values, levels, np.stack([below, through]))
    return np.where(known, (low + high) / 2, np.nan).reshape(np.shape(x))


def trailing(y: Floats | Singles, horizon: int, rows: Ints, levels: Floats = LEVELS) -> Floats:
    """The reference forecast: quantiles of each ticker's last 500 realised outcomes; (rows, N, K).

    NaN with fewer than 100.
    """
    out = np.full((len(rows), y.shape[1], len(levels)), np.nan)
    for n in range(y.shape[1]):
        known = np.isfinite(y[:, n])
        past = np.concatenate([np.full(REFERENCE_WINDOW, np.nan, y.dtype), y[known, n]])
        realised = np.concatenate([np.zeros(horizon, np.int64), np.cumsum(known)])[rows]
        ended, where = np.unique(realised, return_inverse=True)
        seen = np.sort(sliding_window_view(past, REFERENCE_WINDOW)[ended], axis=1)
        counts = np.minimum(ended, REFERENCE_WINDOW)
        out[:, n] = of_sorted(seen, levels, at_least=REFERENCE_FROM, counts=counts)[where]
    return out


def _level_at(quantiles: Floats, x: Floats, levels: Floats, passed: Ints) -> Floats:
    """The level at each ``x``, which exceeds ``passed`` (..., rows) quantiles of its row."""
    every = np.arange(len(x))
    low, high = np.maximum(passed - 1, 0), np.minimum(passed, len(levels) - 1)
    at_low = quantiles[every, low]
    step = quantiles[every, high] - at_low
    share = np.zeros(passed.shape)
    np.divide(x - at_low, step, out=share, where=step > 0)
    level: Floats = levels[low] + share * (levels[high] - levels[low])
    return level
