"""Compute trailing and forward means of (T, N) matrices. NaN is skipped, never filled.

Row t of a trailing statistic depends on rows up to t alone, bit for bit: sums run from the first
row on, in order. What is summed is as large as a panel's prices: steps work in place.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
# Below, rows are too short to be added one by one.
FEW_COLUMNS = 64


def mean(values: Floats, window: int, *, at_least: int) -> Floats:
    """Mean over the last ``window`` rows, NaN with fewer than ``at_least`` values; (T, N)."""
    known = np.isfinite(values)
    out = _last(running_sums(np.where(known, values, 0.0), np.float64), window)
    count = _last(running_sums(known, np.int32), window)
    enough = count >= at_least
    np.divide(out, count, out=out, where=enough)
    np.copyto(out, np.nan, where=~enough)
    return out


def running_sums(rows: npt.NDArray[Any], kind: type[np.generic]) -> npt.NDArray[Any]:
    """The sum of the rows up to each, itself included, in numbers of a ``kind``; shape of ``rows``.

    Row by row: ``np.cumsum`` goes from column to column, for which a matrix takes three times as
    long. The sums are the same, as they are added in the same order.
    """
    if math.prod(rows.shape[1:]) < FEW_COLUMNS:
        return np.cumsum(rows, axis=0, dtype=kind)
    out = np.empty(rows.shape, dtype=kind)
    out[:1] = rows[:1]
    for row in range(1, len(rows)):
        np.add(out[row - 1], rows[row], out=out[row])
    return out


def ewma(values: Floats, alpha: float, *, at_least: int) -> Floats:
    """Exponentially weighted mean, weights scaled to sum to 1; (T, N).

    The newest value weighs ``alpha``. A row without a value repeats the last mean. NaN before
    ``at_least`` values.
    """
    total, weight = np.zeros(values.shape[1]), np.zeros(values.shape[1])
    count = np.zeros(values.shape[1], dtype=np.int64)
    out = np.full(values.shape, np.nan)
    for row, newest in enumerate(values):
        known = np.isfinite(newest)
        keep, add = np.where(known, 1.0 - alpha, 1.0), np.where(known, alpha, 0.0)
        total = keep * total + add * np.where(known, newest, 0.0)
        weight = keep * weight + add
        count += known
        np.divide(total, weight, out=out[row], where=(weight > 0) & (count >= at_least))
    return out


def ahead(values: Floats, horizon: int) -> Floats:
    """Mean over rows t+1..t+horizon, NaN with less than half of them or past the end; (T, N)."""
    out = np.full(values.shape, np.nan)
    if horizon < len(values):
        out[:-horizon] = mean(values, horizon, at_least=(horizon + 1) // 2)[horizon:]
    return out


def _last(running: npt.NDArray[Any], window: int) -> npt.NDArray[Any]:
    """The sum of the last ``window`` rows at each, in the place of running sums."""
    # From the last rows to the first, so that each block is taken from sums that still run.
    for end in range(len(running), window, -window):
        start = max(end - window, window)
        running[start:end] -= running[start - window : end - window]
    return running
