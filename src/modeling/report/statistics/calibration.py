"""Measure whether forecast intervals held the share of outcomes that they promise.

Matrices are (R, N): scored rows, evenly spaced, by tickers.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from src.core.arrays import Bools, Floats, Ints
from src.modeling.evaluation import interval_metrics
from src.modeling.intervals.quantiles import INTERVALS, cdf

TERCILES = ("calm", "middle", "wild")
BINS = 10


def hits(actual: Floats, forecast: Floats) -> dict[float, Floats]:
    """1 where the central interval of each share held the outcome, else 0; NaN unknown; (R, N)."""
    return {share: interval_metrics.inside(actual, forecast, share) for share in INTERVALS}


def rolling(inside: Floats, window: int) -> Floats:
    """Share of hits among all pairs of the last ``window`` rows that have any; (R,).

    NaN before so many rows have been seen, and on rows without a pair.
    """
    known = np.isfinite(inside)
    pairs = known.sum(axis=1)
    out = np.full(len(inside), np.nan)
    rows = np.flatnonzero(pairs > 0)
    if len(rows) < window:
        return out
    sums = np.cumsum(np.where(known, inside, 0.0).sum(axis=1)[rows])
    counts = np.cumsum(pairs[rows])
    before = len(rows) - window
    hit = sums[window - 1 :] - np.concatenate([[0.0], sums[:before]])
    seen = counts[window - 1 :] - np.concatenate([[0], counts[:before]])
    out[rows[window - 1 :]] = hit / seen
    return out


def terciles(sigma: Floats, known: Bools) -> Ints:
    """0, 1 or 2 for the calmest, middle and wildest third of the known cells, -1 elsewhere; (R, N).

    By sigma over its ticker's median, so that each is calm or wild by its own measure. The medians
    are of the scored rows themselves: this sorts outcomes afterwards and forecasts nothing.
    """
    there = known & np.isfinite(sigma)
    out = np.full(sigma.shape, -1)
    if not there.any():
        return out
    columns = there.any(axis=0)
    middle = np.ones(sigma.shape[1])
    middle[columns] = np.nanmedian(np.where(there, sigma, np.nan)[:, columns], axis=0)
    relative = (sigma / middle)[there]
    out[there] = np.searchsorted(np.quantile(relative, [1 / 3, 2 / 3]), relative)
    return out


def pit_counts(actual: Floats, forecast: Floats, bins: int = BINS) -> Ints:
    """Outcomes in each of ``bins`` equal parts of their forecast distribution; (bins,).

    Even if the forecasts are right (Dawid 1984), up to the outermost levels, where it stops.
    """
    values = cdf(forecast, actual)
    places = np.floor(values[np.isfinite(values)] * bins + 1e-9).astype(np.int64)
    return np.bincount(np.minimum(places, bins - 1), minlength=bins)


def chance_band(n_eff: float, bins: int = BINS, confidence: float = 0.95) -> tuple[float, float]:
    """Shares between which one bar falls by chance if forecasts are right (normal approximation).

    As if there were ``n_eff`` independent outcomes; from 0 to 1 without any.
    """
    if n_eff <= 0:
        return 0.0, 1.0
    even = 1 / bins
    half = NormalDist().inv_cdf((1 + confidence) / 2) * math.sqrt(even * (1 - even) / n_eff)
    return max(even - half, 0.0), min(even + half, 1.0)
