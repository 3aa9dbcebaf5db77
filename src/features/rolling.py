"""Arithmetic over trailing windows of a 1-D array: a few passes each, no loop over rows.

Every value depends on the values of its own window in an order of its own, so that neither what
comes later nor what lies before the window can change a bit of it. NaN where the window is not
full or holds a NaN.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from src.features import indicators

Array = NDArray[np.float64]

# Terms of a fading sum. With the decays in use here (13/14, .94) the next one weighs below 2e-14.
MEMORY = 512
# A variance below this share of the mean square is what rounding makes of no variance.
ROUNDING = 1e-10

filled = indicators._filled
over = indicators._over
deviation = indicators._deviation
mean = indicators._mean
sums = indicators._window_sums


def total(values: Array, window: int) -> Array:
    """Sum of the last ``window`` values; (n,)."""
    return filled(sums(values, window), values.size)


def highest(values: Array, window: int) -> Array:
    """Largest of the last ``window`` values; (n,).

    Two overlapping blocks of a power of two cover any window.
    """
    count = values.size - window + 1
    if count <= 0:
        return np.full(values.size, np.nan)
    block, size = values, 1
    while size * 2 <= window:
        block, size = np.maximum(block[:-size], block[size:]), size * 2
    found = np.maximum(block[:count], block[window - size : window - size + count])
    return filled(found, values.size)


def fading_sum(values: Array, decay: float) -> Array:
    """Sum of decay^k times the value k rows before, k = 0 .. MEMORY - 1; (n,).

    The recursion y_t = x_t + decay y_{t-1} to rounding, put together from sums of 1, 2, 4, …
    neighbours. A finite memory keeps a bar of years ago from deciding the last digit of today's.
    """
    out, step = values.copy(), 1
    while step < min(MEMORY, out.size):
        out[step:] += decay * out[:-step]
        decay, step = decay * decay, step * 2
    return out


def fading_mean(values: Array, decay: float, warm_up: int) -> Array:
    """Mean weighted by decay^age, from ``warm_up`` values on; (n,)."""
    out = fading_sum(values, decay) / fading_sum(np.ones(values.size), decay)
    out[: warm_up - 1] = np.nan
    return out


def log(values: Array) -> Array:
    """Natural logarithm, NaN where there is none; any shape."""
    return np.log(np.where(values > 0, values, np.nan))


def back(values: Array, rows: int) -> Array:
    """The value ``rows`` rows earlier; (n,)."""
    return filled(values[: max(values.size - rows, 0)], values.size)
