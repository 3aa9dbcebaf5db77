"""What loss differences had to be expected when forecasts were made, in the worlds of ``gate``.

E[d | what was known when the forecast was made], with the volatility and the signal of that
session known: what a confidence sequence of the mean loss difference bounds the running mean of
(Choe and Ramdas, "Comparing sequential forecasters", arXiv 2110.00115, and 2402.09698). An outcome
is what was to be expected plus a rest e that is symmetric about zero, so that
E|e - x| = E|e| + E max(|x| - |e|, 0); that second part is tabulated from draws of e.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from benchmarks.studies.gate import (
    KEPT,
    MARKET,
    SPREAD,
    VOLATILITY,
    Pair,
    World,
    overstated_by,
    pull_of_session,
    student,
)
from src.core.arrays import Floats
from src.modeling.evaluation import hac

# The logarithm of volatility, to four and a half of its deviations; errors, in deviations of e.
LEVELS = np.linspace(-4.5 * SPREAD, 4.5 * SPREAD, 28)
SIZES = np.arange(0.05, 6.01, 0.05)
DRAWS = 100_000


@dataclass(frozen=True, eq=False)
class Rest:
    """Tables of the rest e of an outcome, by ``LEVELS``.

    Attributes:
        scale: Standard deviation of e; (levels,).
        size: Mean of its absolute value; (levels,).
        beyond: E max(x - |e|, 0) / x^2 at x = ``SIZES`` times scale; (levels, sizes).
    """

    scale: Floats
    size: Floats
    beyond: Floats

    def overshoot(self, error: Floats, level: Floats) -> Floats:
        """E max(|error| - |e|, 0) at levels of the logarithm of volatility, elementwise."""
        position = np.clip((level - LEVELS[0]) / (LEVELS[1] - LEVELS[0]), 0, LEVELS.size - 1.001)
        scale, size = (np.interp(level, LEVELS, each) for each in (self.scale, self.size))
        far = np.abs(error) / scale
        place = np.clip(far / SIZES[0] - 1, 0, SIZES.size - 1.001)
        low, left = position.astype(np.int64), place.astype(np.int64)
        up, right = position - low, place - left
        near = sum(
            weight * share * self.beyond[low + i, left + j]
            for i, weight in enumerate((1 - up, up))
            for j, share in enumerate((1 - right, right))
        )
        return np.where(far > SIZES[-1], np.abs(error) - size, near * error**2)


def rest_of(world: World, seed: int = 5) -> Rest:
    """Tables for a world."""
    rest = np.abs(unforeseen(world, np.random.default_rng(seed)))
    scale = np.sqrt((rest**2).mean(axis=0))
    beyond = np.empty((LEVELS.size, SIZES.size))
    for row, part in enumerate(np.sort(rest, axis=0).T):
        at = SIZES * scale[row]
        smaller = np.searchsorted(part, at)
        beyond[row] = (at * smaller - hac.cumulated(part)[smaller]) / DRAWS / at**2
    return Rest(scale, rest.mean(axis=0), beyond)


def unforeseen(world: World, random: np.random.Generator) -> Floats:
    """Draws of an outcome less what was to be expected of it; (draws, levels)."""
    h, keep = world.horizon, world.persistence
    shocks = SPREAD * np.sqrt(1 - KEPT**2) * random.standard_normal((h, DRAWS))
    log_vol = lfilter([1.0], [1.0, -KEPT], shocks, axis=0)
    scores = np.sqrt(MARKET) * student(random, (h, DRAWS))
    scores += np.sqrt(1 - MARKET) * student(random, (h, DRAWS))
    moves = VOLATILITY * np.exp(log_vol) * scores
    # The level of today is forgotten session by session.
    rest = moves.T @ np.exp(np.outer(KEPT ** np.arange(1, h + 1), LEVELS))
    pull = pull_of_session(world)
    if pull and h > 1:
        # What the signal will do between today and the end.
        news = np.sqrt(1 - keep**2) * random.standard_normal((h - 1, DRAWS))
        rest += pull * lfilter([1.0], [1.0, -keep], news, axis=0).sum(axis=0)[:, None]
    return np.asarray(rest)


def expected_differences(pair: Pair, world: World, rest: Rest) -> Floats:
    """Expected loss of the reference less that of the challenger, absolute and squared; (T, 2).

    Means over the tickers of a session.
    """
    _, challenger, champion, sigma = pair
    reference = np.zeros_like(challenger) if champion is None else champion
    overstated = overstated_by(world)
    known = challenger / overstated if overstated else np.zeros_like(challenger)
    level = np.log(sigma / (VOLATILITY * np.sqrt(world.horizon))) / KEPT
    absolute = rest.overshoot(reference - known, level) - rest.overshoot(challenger - known, level)
    squared = (reference - known) ** 2 - (challenger - known) ** 2
    return np.stack([absolute.mean(axis=1), squared.mean(axis=1)], axis=1)
