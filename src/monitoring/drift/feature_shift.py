"""Find months in which the inputs of models moved further than in the two years before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from src.core.arrays import Floats
from src.modeling.evaluation.hac import cumulated
from src.monitoring.drift.measures import Measure

NAME = "feature_shift"
# Sessions: what is compared, and with how much of the past.
WINDOW = 21
PAST = 504


def feature_shift(names: Sequence[str], means: Floats, what: str) -> Measure:
    """Whether any input's mean of the last month is further away than any was in the past.

    Each input's mean over ``WINDOW`` sessions is set beside all such means of the past, in their
    standard deviations. The largest such distance of all inputs is bad when it exceeds the largest
    of every past month: in a stationary market that happens about once in PAST / WINDOW = 24
    months, which is a note and no warning.

    Args:
        names: Of the K inputs.
        means: (T, K) over a pool's tickers, a row a session; NaN where an input has none.
        what: The pool, for the sentence.
    """
    needed = WINDOW + PAST
    if len(means) < needed:
        sentence = f"{what}: {len(means)} sessions of inputs, {needed} are needed for a comparison."
        return Measure(NAME, None, 0.0, len(means), None, None, None, sentence)
    distances = _distances(means[-needed:])
    limit, newest = float(distances[:-1].max()), distances[-1]
    furthest = int(newest.argmax())
    value = float(newest[furthest])
    bad = value > limit
    sentence = (
        f"Of the inputs of {what}, {names[furthest]} moved furthest in the last {WINDOW} sessions: "
        f"{value:.1f} standard deviations of its months; the furthest of any input in the two "
        f"years before was {limit:.1f}."
    )
    return Measure(NAME, value, 0.0, len(means), value, limit, bad, sentence)


def _distances(means: Floats) -> Floats:
    """The distance of each input in each past window and, in the last row, in the newest."""
    sums = cumulated(np.where(np.isfinite(means), means, 0.0))
    rolling = (sums[WINDOW:] - sums[:-WINDOW]) / WINDOW
    past = rolling[:-WINDOW]
    spread = past.std(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        distances = np.abs(rolling - past.mean(axis=0)) / spread
    distances = np.where(spread > 0, distances, 0.0)
    return np.asarray(np.vstack([distances[: len(past)], distances[-1:]]))
