"""Cut rows by session into expanding walk-forward folds, purged and with an embargo.

A forecast of session s may only use what was known at s. A row may therefore train for s
when its label ended before s and at least ``embargo`` sessions lie strictly between the two.
(The rule t + h + embargo <= s of the volatility fits lets one session more in.) Purging and
embargo: Lopez de Prado 2018, ch. 7.
Rows are never drawn at random, only cut by session.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from src.core.arrays import Ints


@dataclass(frozen=True)
class Schedule:
    """When models are refitted.

    Attributes:
        warm_up: Sessions with features that come before the first that is forecast.
        refit_every: Sessions with features from one refit to the next.
        embargo: Sessions between a training label's end and the refit.
        min_train: Rows that a refit needs; earlier folds are left out.
    """

    warm_up: int = 0
    refit_every: int = 252
    embargo: int = 5
    min_train: int = 1000


@dataclass(frozen=True, eq=False)
class Fold:
    """One refit and the rows it forecasts.

    Attributes:
        cutoff: The first session that is forecast; all training labels ended before it.
        sessions: Of all rows.
        before: Rows of earlier sessions than this one are learnt from.
        test: Positions of the rows from the cutoff up to the next refit, ascending.
    """

    cutoff: int
    sessions: Ints
    before: int
    test: Ints

    @property
    def train(self) -> Ints:
        """Positions of the training rows, ascending; made at each use, as they are many."""
        return np.flatnonzero(self.sessions < self.before)


def folds(sessions: Ints, horizon: int, schedule: Schedule) -> list[Fold]:
    """Cut rows into expanding walk-forward folds.

    ``sessions`` are the number of each row's session, which may repeat, in any order; labels end
    ``horizon`` sessions later.
    """
    distinct = np.unique(sessions)
    cutoffs = distinct[schedule.warm_up :: schedule.refit_every].tolist()
    cut = []
    for cutoff, following in pairwise([*cutoffs, np.inf]):
        before = cutoff - schedule.embargo - horizon
        if np.count_nonzero(sessions < before) >= schedule.min_train:
            test = np.flatnonzero((sessions >= cutoff) & (sessions < following))
            cut.append(Fold(cutoff, sessions, before, test))
    return cut
