"""Past outcomes in; quantiles of the next one out, corrected for how few they are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEVELS: Floats = np.array([0.025, *np.arange(1, 20) / 20, 0.975])
REFERENCE_WINDOW = 500
REFERENCE_FROM = 100


def of_sorted(ordered: Floats, levels: Floats = LEVELS, *, at_least: int = 1) -> Floats:
    """Quantiles of each row's finite values; (rows, K), NaN with fewer than ``at_least``.

    Position level x (count + 1) with linear interpolation (Weibull; Hyndman-Fan 1996, type 6):
    the next outcome, exchangeable with those seen, lies below it with that probability.

    Args:
        ordered: (rows, most), ascending, NaN last.
        levels: (K,).
        at_least: Values a row needs.
    """
    count = np.isfinite(ordered).sum(axis=1)
    out = np.full((len(ordered), len(levels)), np.nan)
    enough = np.flatnonzero(count >= at_least)
    top = np.maximum(count[enough] - 1, 0)[:, None]
    place = np.clip(levels * (count[enough, None] + 1) - 1, 0, top)
    low = place.astype(np.int64)
    below = ordered[enough[:, None], low]
    above = ordered[enough[:, None], np.minimum(low + 1, top)]
    out[enough] = below + (place - low) * (above - below)
    return out


def spread_out(quantiles: Floats, n_eff: Floats) -> Floats:
    """Quantiles further from their median the fewer independent outcomes made them; (rows, K).

    By sqrt(1 + 1 / n_eff): the middle of n outcomes is itself uncertain by about 1 / n of their
    variance, as in a prediction interval around a mean.

    Args:
        quantiles: (rows, K), of levels symmetric around .5.
        n_eff: (rows,), above 0.
    """
    middle = quantiles[:, quantiles.shape[1] // 2][:, None]
    return middle + (quantiles - middle) * np.sqrt(1 + 1 / n_eff)[:, None]


def distribution_at(quantiles: Floats, x: Floats, levels: Floats = LEVELS) -> Floats:
    """Probability of an outcome up to ``x``, linear between quantiles; shape of ``x``.

    Outside the outermost quantiles it is the outermost level: more is not known. Where
    quantiles coincide it is the middle of their levels.

    Args:
        quantiles: (..., K), ascending.
        x: (...).
        levels: (K,).
    """
    return (_reached(quantiles, x, levels, "left") + _reached(quantiles, x, levels, "right")) / 2


def rolling(y: Floats, horizon: int, rows: Ints, levels: Floats = LEVELS) -> Floats:
    """The reference: quantiles of each ticker's last 500 realised outcomes; (rows, N, K).

    NaN with fewer than 100.
    """
    out = np.full((len(rows), y.shape[1], len(levels)), np.nan)
    for n in range(y.shape[1]):
        known = np.isfinite(y[:, n])
        past = np.concatenate([np.full(REFERENCE_WINDOW, np.nan), y[known, n]])
        realised = np.concatenate([np.zeros(horizon, np.int64), np.cumsum(known)])[rows]
        ended, where = np.unique(realised, return_inverse=True)
        seen = np.sort(sliding_window_view(past, REFERENCE_WINDOW)[ended], axis=1)
        out[:, n] = of_sorted(seen, levels, at_least=REFERENCE_FROM)[where]
    return out


def _reached(quantiles: Floats, x: Floats, levels: Floats, side: str) -> Floats:
    inside = quantiles < x[..., None] if side == "left" else quantiles <= x[..., None]
    passed = inside.sum(axis=-1)
    low, high = np.clip(passed - 1, 0, None), np.clip(passed, None, len(levels) - 1)
    at_low = np.take_along_axis(quantiles, low[..., None], axis=-1)[..., 0]
    at_high = np.take_along_axis(quantiles, high[..., None], axis=-1)[..., 0]
    step = at_high - at_low
    share = np.zeros(x.shape)
    np.divide(x - at_low, step, out=share, where=step > 0)
    found = levels[low] + share * (levels[high] - levels[low])
    return np.where(np.isfinite(x) & np.isfinite(quantiles).all(axis=-1), found, np.nan)
