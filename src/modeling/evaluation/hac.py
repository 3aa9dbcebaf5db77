"""Test whether the mean of overlapping loss differences is zero.

Differences of forecasts h sessions ahead move together for h sessions, so the error of their mean
is taken from Bartlett's long-run variance (Newey-West 1987), and t is judged by the limits of
Kiefer-Vogelsang (2005), which know that this variance was itself estimated from few periods.

Bartlett's weights 1 - |j|/m are the overlap of two windows m long. The variance is therefore the
sum of squared window sums of the differences less their mean, windows that hang over either end
included, divided by n m. Cumulative sums give it at any row in a few passes over the rows.
A missing difference (NaN) keeps its place in time and adds nothing.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from src.core.arrays import Floats, Ints
from src.modeling.panel import rolling

# Level: normal quantile, then the coefficients of b, b squared and b cubed.
CRITICAL = {
    0.05: (1.644854, 2.1859, 0.3142, -0.3427),
    0.025: (1.959964, 2.9694, 0.4160, -0.5324),
    0.01: (2.326348, 4.1299, 0.4165, -0.8336),
    0.001: (3.090232, 7.9671, -0.2978, -1.3852),
}


class MeanTest(NamedTuple):
    """Test of a mean against zero; every field is shaped like the columns tested.

    Attributes:
        mean: Mean of the differences; NaN without any.
        noise: Long-run standard deviation of one difference: the mean's error is noise / sqrt(n).
        t: mean / error; NaN where the differences do not vary.
        n: Differences that are known.
        b: Window length / n, at most 1.
    """

    mean: Floats
    noise: Floats
    t: Floats
    n: Ints
    b: Floats


class Sums(NamedTuple):
    """Cumulative sums of differences, so that any row can be tested as if it were the last.

    Attributes:
        values: Sum of the differences of all rows before each; (T + 1, ...).
        counts: How many of them are known; (T + 1, ...).
    """

    values: Floats
    counts: Floats


def cumulate(differences: Floats) -> Sums:
    """Cumulative sums of (T, ...) differences along time; NaN is missing."""
    known = np.isfinite(differences)
    return Sums(cumulated(np.where(known, differences, 0.0)), cumulated(known))


def cumulated(rows: npt.NDArray[np.generic]) -> Floats:
    """The sum of the rows before each, and of all; (T + 1, ...)."""
    out = np.zeros((len(rows) + 1, *rows.shape[1:]))
    out[1:] = rolling.running_sums(rows, np.float64)
    return out


def bandwidth(rows: int, horizon: int) -> int:
    """Lags with a weight: max(h - 1, 1.3 sqrt(rows)), below ``rows``."""
    return min(max(horizon - 1, int(1.3 * math.sqrt(rows))), max(rows - 1, 0))


def mean_test(differences: Floats, horizon: int) -> MeanTest:
    """Test that the mean of (T,) or (T, N) differences, a row a session, is zero.

    ``horizon`` is in sessions; compare ``t`` with ``critical(b, level)``.
    """
    return mean_test_at(cumulate(differences), 0, len(differences), horizon)


def mean_test_at(sums: Sums, first: int, end: int, horizon: int) -> MeanTest:
    """The same over rows ``first`` up to but not including ``end`` of cumulated differences."""
    window = bandwidth(end - first, horizon) + 1
    values, counts = (part[first : end + 1] - part[first] for part in sums)
    n = counts[-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = values[-1] / n
        noise = np.sqrt(_squared_windows(values - counts * mean, window) / (n * window))
        # What is left of equal differences after rounding is no measure of their noise.
        noise = np.where(noise > 1e-9 * np.abs(mean), noise, np.nan)
        t = mean / noise * np.sqrt(n)
        b = np.minimum(window / n, 1.0)
    return MeanTest(mean, noise, t, n.astype(np.int64), b)


def mean_tests_at(sums: Sums, ends: Ints, windows: Ints) -> MeanTest:
    """The tests over the rows before each of the ``ends``, with a window each, none longer.

    Fields are shaped (ends, ...). Ends of one window take one pass over all rows together.
    """
    shape = sums.values.shape[1:]
    counts = np.broadcast_to(
        sums.counts.reshape(*sums.counts.shape, *[1] * (sums.values.ndim - sums.counts.ndim)),
        sums.values.shape,
    )
    # Measured from the mean of all rows: little is lost to rounding where it is large.
    with np.errstate(divide="ignore", invalid="ignore"):
        level = np.nan_to_num(sums.values[-1] / counts[-1])
    values = sums.values - counts * level
    n = counts[ends]
    squares = [
        _window_products(one, other, ends, windows)
        for one, other in ((values, values), (values, counts), (counts, counts))
    ]
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = values[ends] / n
        mean = level + rest
        width = windows.reshape(-1, *[1] * len(shape))
        total = squares[0] - 2 * rest * squares[1] + rest**2 * squares[2]
        noise = np.sqrt(np.maximum(total, 0.0) / (n * width))
        noise = np.where(noise > 1e-9 * np.abs(mean), noise, np.nan)
        t = mean / noise * np.sqrt(n)
        b = np.minimum(width / n, 1.0)
    return MeanTest(mean, noise, t, n.astype(np.int64), b)


def critical(b: Floats, level: float) -> Floats:
    """What t must exceed at the one-sided ``level``, with window / n = ``b``.

    Levels are .05, .025, .01 and .001. Polynomials in b for Bartlett's kernel. 5 and 2.5 %: Kiefer
    and Vogelsang (2005), table 1. 1 %: fitted
    by least squares, the normal quantile held fixed, to the quantiles of |t| of 200,000 simulated
    series of 1,000 independent normal values at 24 values of b from .02 to 1; it is never more
    than .034 off, and the quantile itself is sure to about .02 at b = 1. On the same series the
    5 % polynomial lies up to .07 above the quantile, so it errs towards caution. 0.1 %: fitted in
    the same way to 400,000 other series; never more than .07 off.

    Raises:
        KeyError: For another level.
    """
    start, first, second, third = CRITICAL[level]
    return start + b * (first + b * (second + b * third))


def _squared_windows(centred: Floats, window: int) -> Floats:
    """Sum of the squared sums of all windows; ``centred`` are cumulative, first row 0."""
    inside = centred[window:] - centred[:-window]
    leaving = centred[-1] - centred[len(centred) - window : -1]
    entering = centred[1:window]
    squares = [np.einsum("i...,i...->...", part, part) for part in (entering, inside, leaving)]
    return np.asarray(squares[0] + squares[1] + squares[2])


def _window_products(x: Floats, y: Floats, ends: Ints, windows: Ints) -> Floats:
    """Sum over all windows before each end of the products of two cumulative series' sums."""
    sums_x, sums_y, products = cumulated(x), cumulated(y), cumulated(x * y)
    out = np.empty((len(ends), *x.shape[1:]))
    for window in np.unique(windows).tolist():
        at = np.flatnonzero(windows == window)
        last, first = ends[at], ends[at] - window + 1
        x_seen, y_seen = x[: last.max() + 1], y[: last.max() + 1]
        inside = cumulated(
            (x_seen[window:] - x_seen[:-window]) * (y_seen[window:] - y_seen[:-window])
        )
        leaving = (
            (window - 1) * x[last] * y[last]
            - x[last] * (sums_y[last] - sums_y[first])
            - y[last] * (sums_x[last] - sums_x[first])
            + (products[last] - products[first])
        )
        out[at] = products[window] + inside[first] + leaving
    return out
