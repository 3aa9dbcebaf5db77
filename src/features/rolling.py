"""Compute statistics of trailing windows of a 1-D array, without a loop over rows.

Every value is summed over its own window in a fixed order, so that neither later nor earlier rows
can change a bit of it. NaN where the window is not full or holds a NaN.
"""

from __future__ import annotations

import numpy as np

from src.core.arrays import Floats

# Terms of a decayed sum. With the decays in use here (13/14, .94) the next one weighs below 2e-14.
MEMORY = 512
# A variance below this share of the mean square is what rounding makes of no variance.
ROUNDING = 1e-10


def pad_front(values: Floats, size: int) -> Floats:
    """``values`` at the end of ``size`` rows, NaN before them; (size,)."""
    out = np.empty(size)
    empty = size - values.size
    out[:empty], out[empty:] = np.nan, values
    return out


def ratio(numerator: Floats, denominator: Floats) -> Floats:
    """``numerator`` over ``denominator``, NaN where that is zero; any shape."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(denominator == 0, np.nan, numerator / denominator)


def sums(values: Floats, window: int) -> Floats:
    """The sum of every full window: (n - window + 1,), or none.

    Put together from sums of 1, 2, 4, … neighbours: a few passes whatever the window, and no
    running total, so that no value outside a window (a NaN, a rounding error) reaches it.
    """
    count = values.size - window + 1
    if count <= 0:
        return np.empty(0)
    total = np.zeros(count)
    block, size, offset = values, 1, 0
    for bit in range(window.bit_length()):
        if bit:
            block, size = block[:-size] + block[size:], size * 2
        if window >> bit & 1:
            total += block[offset : offset + count]
            offset += size
    return total


def mean(values: Floats, window: int) -> Floats:
    """Mean of the last ``window`` values; (n,)."""
    return pad_front(sums(values, window) / window, values.size)


def deviation(values: Floats, window: int) -> Floats:
    """Sample standard deviation of each window (ddof 1).

    From sums of values and squares, so ``values`` should lie around zero.
    """
    totals, squares = sums(values, window), sums(values * values, window)
    variance = np.maximum(squares - totals * totals / window, 0.0) / (window - 1)
    return pad_front(np.sqrt(variance), values.size)


def total(values: Floats, window: int) -> Floats:
    """Sum of the last ``window`` values; (n,)."""
    return pad_front(sums(values, window), values.size)


def highest(values: Floats, window: int) -> Floats:
    """Largest of the last ``window`` values; (n,).

    Two overlapping blocks of a power of two cover any window.
    """
    count = values.size - window + 1
    if count <= 0:
        return np.full(values.size, np.nan)
    block, size = values, 1
    while size * 2 <= window:
        block, size = np.maximum(block[:-size], block[size:]), size * 2
    largest = np.maximum(block[:count], block[window - size : window - size + count])
    return pad_front(largest, values.size)


def decayed_sum(values: Floats, decay: float) -> Floats:
    """Sum of decay^k times the value k rows before, k = 0 .. MEMORY - 1; (n,).

    The recursion y_t = x_t + decay y_{t-1} to rounding, put together from sums of 1, 2, 4, …
    neighbours. A finite memory keeps a bar of years ago from deciding the last digit of today's.
    """
    out, step = values.copy(), 1
    while step < min(MEMORY, out.size):
        out[step:] += decay * out[:-step]
        decay, step = decay * decay, step * 2
    return out


def decayed_mean(values: Floats, decay: float, warm_up: int) -> Floats:
    """Mean weighted by decay^age, from ``warm_up`` values on; (n,)."""
    out = decayed_sum(values, decay) / decayed_sum(np.ones(values.size), decay)
    out[: warm_up - 1] = np.nan
    return out


def log(values: Floats) -> Floats:
    """Natural logarithm, NaN where there is none; any shape."""
    return np.log(np.where(values > 0, values, np.nan))


def lag(values: Floats, rows: int) -> Floats:
    """The value ``rows`` rows earlier; (n,)."""
    return pad_front(values[: max(values.size - rows, 0)], values.size)
