"""Bound the mean loss difference of a session so that it may be looked at after every session.

What is bounded is the mean so far of what was to be expected of each session when its forecasts
were made, (1/t) sum E[d_i | known then], as by Choe and Ramdas ("Comparing sequential forecasters",
arXiv 2110.00115, and 2402.09698): it asks who forecast better on these sessions but
for the luck of single outcomes. It is no statement about sessions to come: a forecast that hardly
moves shows one of its moods in five years, and its mean over all moods may be another.

The boundary is Robbins' normal mixture (1970) with an estimated variance, the asymptotic confidence
sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024, arXiv 2103.06476). Differences of
forecasts h sessions ahead overlap, so the variance is Bartlett's long-run one, and the boundary is
widened as the fixed-b limits are (``hac``), because few periods tell little about that variance.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from src.core.arrays import Floats, Ints
from src.modeling.evaluation import hac

# What is bounded is outside at any session in one history of twenty at most. The boundary is right
# for long histories only: five simulated years hold 5 % where it is built at 1 %.
LEVEL, ALPHA = 0.95, 0.01
# Number over precision at which the boundary at ALPHA is narrowest: x - log(1 + x) = -2 log ALPHA.
NARROWEST = 11.7564
# The level of ``hac`` whose normal quantile, 3.09, is nearest to the boundary, 3.6 and more.
WIDENED_AS = 0.001
# Known differences, and periods that do not overlap, before which there are no bounds: over four
# periods of 63 sessions the outcomes may all have one sign, and then differences hardly vary.
MIN_DATES, MIN_PERIODS = 250, 8


class ConfidenceSequence(NamedTuple):
    """Mean of the differences up to and including each session, and bounds of what it had to be.

    Attributes:
        mean: NaN before the first difference.
        low: NaN before ``first_dates`` differences are known, and where they do not vary.
        high: As ``low``.
    """

    mean: Floats
    low: Floats
    high: Floats


def first_dates(horizon: int) -> int:
    """Differences from which there are bounds, for a horizon in sessions."""
    return max(MIN_DATES, MIN_PERIODS * horizon)


def window(rows: int, horizon: int) -> int:
    """Rows that the variance takes together: two horizons, or three roots of the rows.

    Over one horizon Bartlett's weights leave out a third of the variance of outcomes that overlap
    over it, and what a forecast gains in a session moves with volatility, for months.
    """
    return max(2 * horizon, int(3 * math.sqrt(rows)))


def confidence_sequence(differences: Floats, horizon: int, longest: int) -> ConfidenceSequence:
    """Bounds by session of the expected mean so far of (T,) or (T, N) differences, a row a session.

    NaN is missing. ``longest`` is the number of sessions that was planned before the first: the
    bounds are narrowest after half of them, and right for any other number.
    """
    sums = hac.cumulate(differences)
    counts = sums.counts[1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.asarray(sums.values[1:] / counts)
    low, high = np.full(mean.shape, np.nan), np.full(mean.shape, np.nan)
    enough = (counts >= first_dates(horizon)).any(axis=tuple(range(1, counts.ndim)))
    rows = np.flatnonzero(enough)
    _, low[rows], high[rows] = bounds_at(sums, rows + 1, horizon, longest)
    return ConfidenceSequence(mean, low, high)


def bounds_at(sums: hac.Sums, ends: Ints, horizon: int, longest: int) -> ConfidenceSequence:
    """Mean and bounds over the rows before each of the ends; (ends, ...)."""
    windows = np.array([window(end, horizon) for end in ends.tolist()], dtype=np.int64)
    test = hac.mean_tests_at(sums, ends, np.minimum(windows, ends))
    half = half_width(test.noise, test.n, test.b, longest)
    half = np.where(test.n >= first_dates(horizon), half, np.nan)
    return ConfidenceSequence(test.mean, test.mean - half, test.mean + half)


def half_width(noise: Floats, n: Ints, b: Floats, longest: int) -> Floats:
    """Half the width over n differences, with the window over n ``b``; see ``hac.MeanTest``."""
    widened = hac.critical(b, WIDENED_AS) / hac.critical(np.zeros(()), WIDENED_AS)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(noise * widened * mixture_boundary(n, longest / 2) / n)


def mixture_boundary(n: Ints, narrowest_at: float) -> Floats:
    """What the sum of n independent differences of unit variance exceeds at no n, either way.

    sqrt((n + r) log((n + r) / (r ALPHA^2))), with the precision r that makes it narrowest at
    ``narrowest_at`` differences.
    """
    precision = narrowest_at / NARROWEST
    reached = n + precision
    return np.asarray(np.sqrt(reached * np.log(reached / (precision * ALPHA**2))))


def surely_inside(
    differences: Floats, losses: Floats, effect: float, horizon: int, longest: int
) -> bool:
    """Whether the mean of (T,) differences is surely within ``effect`` times the mean loss, now.

    ``losses`` are the reference's, (T,). Asked of the differences plus and less that share of each
    session's loss, so that what is not known of the mean loss counts too. Right at every look.
    """
    sums = hac.cumulate(_beside(differences, losses, effect))
    bounds = bounds_at(sums, np.array([len(differences)]), horizon, longest)
    return bool(bounds.low[0, 0] > 0 > bounds.high[0, 1])


def sessions_until_sure(
    differences: Floats,
    losses: Floats,
    effect: float,
    horizon: int,
    longest: int,
    furthest: int = 10_080,
) -> int | None:
    """Sessions until the mean would be surely inside or below zero, if it and its noise stayed.

    Arguments as for ``surely_inside``. None for more than ``furthest`` sessions in all, 40 years.
    """
    inside = _beside(differences, losses, effect)
    rows = len(differences)
    test = hac.mean_test(np.column_stack([inside, differences]), window(rows, horizon))
    n = int(test.n[0])
    grid = np.arange(max(n, first_dates(horizon)), furthest + 1)
    b = np.array([window(m, horizon) / m for m in grid.tolist()])
    half = half_width(test.noise[:, None], grid, b, longest)
    low, high = test.mean[:, None] - half, test.mean[:, None] + half
    sure = ((low[0] > 0) & (high[1] < 0)) | (high[2] < 0)
    return int(grid[sure.argmax()]) - n if sure.any() else None


def _beside(differences: Floats, losses: Floats, effect: float) -> Floats:
    """The differences plus, and less, a share of the losses; (T, 2)."""
    return np.stack([differences + effect * losses, differences - effect * losses], axis=1)
