"""Cumulate over sessions what the gate compares of paired forecasts.

From cumulative sums the gate's numbers of any past day cost a few passes over the rows before it.

Losses in returns are ruled by the most volatile tickers, and the loss of a whole forecast hides
what it knows behind its own variance. Where volatilities are given, forecast encompassing is
measured as well (Harvey, Leybourne and Newbold 1998; against zero it is the statistic of Clark and
West 2007): with a reference c and the volatility s, z = (y - c)/s and u = (f - c)/s, a small step
from c towards the forecast lowers squared errors by z u and absolute errors by sign(z) u a unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from src.core.arrays import Bools, Floats
from src.modeling.evaluation import hac
from src.modeling.evaluation.hac import cumulated

LOSSES = ("absolute", "squared")
ENCOMPASSING = ("encompassing_absolute", "encompassing_squared")


class CumulativeLosses(NamedTuple):
    """Cumulative sums of losses; row 0 is before the first session.

    Attributes:
        references: What the challenger is compared with: zero, and the champion unless it is zero.
        measures: ``LOSSES``, and ``ENCOMPASSING`` where volatilities were given.
        panel: Each measure averaged over the tickers of a date, positive where it speaks for the
            challenger (a loss is the reference's less its own); (T + 1, references, measures).
        tickers: Absolute-loss differences of each ticker; (T + 1, references, N).
        errors: Absolute errors of each reference; (T + 1, references, N).
        moments: Pairs, outcomes, their squares, forecasts, their squares; (T + 1, 5).
    """

    references: tuple[str, ...]
    measures: tuple[str, ...]
    panel: hac.Sums
    tickers: hac.Sums
    errors: Floats
    moments: Floats


def cumulate_losses(
    actual: Floats,
    challenger: Floats,
    champion: Floats | None = None,
    *,
    sigma: Floats | None = None,
) -> CumulativeLosses:
    """Losses of (T, N) pairs; a cell with any of the matrices missing is no pair.

    ``sigma`` is the volatility of the outcome, forecast when the challenger's forecast was made.

    Raises:
        ValueError: For matrices of different shapes.
    """
    others = [] if champion is None or not np.any(champion != 0) else [champion]
    if sigma is not None:
        sigma = np.where(sigma > 0, sigma, np.nan)
    known = _pairs([actual, challenger, *others, *([] if sigma is None else [sigma])])
    y, f = np.where(known, actual, 0.0), np.where(known, challenger, 0.0)
    e, u = _beside(y, others, known), _beside(f, others, known)
    errors, own = np.abs(e), np.abs(y - f)[:, None]
    gains = errors - own
    pairs = known.sum(axis=1)
    sums = [gains.sum(axis=2), (errors**2 - np.square(own)).sum(axis=2)]
    if sigma is not None:
        scale = np.where(known, sigma, 1.0)[:, None]
        sums += [(np.sign(e) * u / scale).sum(axis=2), (e * u / scale**2).sum(axis=2)]
    moments = np.stack([pairs, *(part.sum(axis=1) for part in (y, y * y, f, f * f))], axis=1)
    return CumulativeLosses(
        ("zero", "champion")[: 1 + len(others)],
        (LOSSES + ENCOMPASSING)[: len(sums)],
        hac.Sums(
            cumulated(np.stack(sums, axis=2) / np.maximum(pairs, 1)[:, None, None]),
            cumulated((pairs > 0)[:, None, None]),
        ),
        hac.Sums(cumulated(gains), cumulated(known[:, None])),
        cumulated(errors),
        cumulated(moments),
    )


def _beside(values: Floats, others: Sequence[Floats], known: Bools) -> Floats:
    """The values less each reference: less zero, and less the others; (T, references, N)."""
    if not others:
        return values[:, None]
    return np.stack([values, *(np.where(known, values - o, 0.0) for o in others)], axis=1)


def _pairs(matrices: Sequence[Floats]) -> Bools:
    """The cells that every matrix has."""
    shape = matrices[0].shape
    if len(shape) != 2 or any(matrix.shape != shape for matrix in matrices):
        raise ValueError(
            "outcomes and forecasts must be matrices of one shape, sessions by tickers"
        )
    known = np.ones(shape, dtype=bool)
    for matrix in matrices:
        known &= np.isfinite(matrix)
    return known
