"""Compute statistics of trailing windows of a 1-D array, without a loop over rows.

Every value is summed over its own window in a fixed order, so that neither later nor earlier rows
can change a bit of it. NaN where the window is not full or holds a NaN.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from src.core.arrays import Floats

# Terms of a decayed sum. With the decays in use here (13/14, .94) the next one weighs below 2e-14.
MEMORY = 512
# A variance below this share of the mean square is what rounding makes of no variance.
ROUNDING = 1e-10


def padded(size: int, window: int) -> tuple[Floats, Floats]:
    """Room for a value of each of ``size`` rows, and the part of it whose window is full.

    NaN before that part; (size,) and a view of (size - window + 1,), or none, to be filled.
    """
    out = np.empty(size)
    out[: window - 1] = np.nan
    return out, out[window - 1 :]


def pad_front(values: Floats, size: int) -> Floats:
    """``values`` at the end of ``size`` rows, NaN before them; (size,)."""
    out = np.empty(size)
    empty = size - values.size
    out[:empty], out[empty:] = np.nan, values
    return out


def ratio(numerator: Floats, denominator: Floats) -> Floats:
    """``numerator`` over ``denominator``, NaN where that is zero; any shape."""
    with np.errstate(divide="ignore", invalid="ignore"):
        out = numerator / denominator
    out[denominator == 0] = np.nan
    return out


def sums(values: Floats, window: int) -> Floats:
    """The sum of every full window: (n - window + 1,), or none; to be read only.

    Put together from sums of 1, 2, 4, … neighbours: a few passes whatever the window, and no
    running total, so that no value outside a window (a NaN, a rounding error) reaches it.
    """
    count = values.size - window + 1
    if count <= 0:
        return np.empty(0)
    block, size, offset, total = values, 1, 0, np.empty(0)
    for bit in range(window.bit_length()):
        if bit:
            block, size = block[:-size] + block[size:], size * 2
        if window >> bit & 1:
            part = block[offset : offset + count]
            total = total + part if offset else part
            offset += size
    return total


def mean(values: Floats, window: int) -> Floats:
    """Mean of the last ``window`` values; (n,)."""
    out, full = padded(values.size, window)
    np.divide(sums(values, window), window, out=full)
    return out


def deviation(values: Floats, window: int) -> Floats:
    """Sample standard deviation of each window (ddof 1).

    From sums of values and squares, so ``values`` should lie around zero.
    """
    out, full = padded(values.size, window)
    totals = sums(values, window)
    np.multiply(totals, totals, out=full)
    full /= window
    np.subtract(sums(values * values, window), full, out=full)
    np.maximum(full, 0.0, out=full)
    full /= window - 1
    np.sqrt(full, out=full)
    return out


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
    out, weights = decayed_sum(values, decay), _weights(decay)
    out[:MEMORY] /= weights[: out.size]
    out[MEMORY:] /= weights[-1]
    out[: warm_up - 1] = np.nan
    return out


@cache
def _weights(decay: float) -> Floats:
    """``decayed_sum`` of ones; (MEMORY,), and from there on it stays what it is."""
    return decayed_sum(np.ones(MEMORY), decay)


def log(values: Floats) -> Floats:
    """Natural logarithm, NaN where there is none; any shape."""
    lost = values <= 0
    return np.log(np.where(lost, np.nan, values) if lost.any() else values)


def lag(values: Floats, rows: int) -> Floats:
    """The value ``rows`` rows earlier; (n,)."""
    return pad_front(values[: max(values.size - rows, 0)], values.size)
