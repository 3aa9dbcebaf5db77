"""Cut rows by date into expanding walk-forward folds, purged and with an embargo.

A forecast of session s may only use what was known at s. A row may therefore train for s
when its label ended before s and at least ``embargo`` sessions lie strictly between the two.
(The rule t + h + embargo <= s of the volatility fits lets one session more in.) Purging and
embargo: Lopez de Prado 2018, ch. 7.
Rows are never drawn at random, only cut by date.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from src.core.arrays import Days, Ints

SessionIds = Callable[[Days], Ints]


@dataclass(frozen=True, eq=False)
class Fold:
    """One refit and the rows it forecasts.

    Attributes:
        cutoff: The first session that is forecast; all training labels ended before it.
        train: Positions of the training rows, ascending.
        test: Positions of the rows dated from the cutoff up to the next refit, ascending.
    """

    cutoff: np.datetime64
    train: Ints
    test: Ints


def folds(
    dates: Days,
    label_ends: Days,
    *,
    test_share: float,
    refit_every: int,
    embargo: int,
    min_train: int,
    calendar_ids: SessionIds | None = None,
) -> list[Fold]:
    """Cut rows into expanding walk-forward folds; a panel's dates may repeat, in any order.

    Args:
        dates: Session of each row, datetime64[D].
        label_ends: Session at which each row's label is realised, later than its date.
        test_share: Share of the distinct dates, the last ones, that is forecast; rounded up.
        refit_every: Distinct dates from one refit to the next.
        embargo: Sessions that must lie between a training label's end and the cutoff.
        min_train: Training rows that a fold needs; earlier folds are left out, so that the
            test begins later rather than with an untrained model.
        calendar_ids: Numbers sessions for the embargo (``Calendar.session_ids``). Without it
            only the dates that occur are counted, which is never less strict.

    Raises:
        ValueError: For lengths that differ, labels that end at or before their date, dates
            that are no session, and parameters out of range.
    """
    dates, label_ends = dates.astype("datetime64[D]"), label_ends.astype("datetime64[D]")
    _check(dates, label_ends, test_share)
    if refit_every < 1 or embargo < 0 or min_train < 1:
        raise ValueError("refit_every and min_train must be at least 1, embargo at least 0")
    distinct = np.unique(dates)
    first = len(distinct) - math.ceil(round(test_share * len(distinct), 9))
    cutoffs = distinct[first::refit_every]
    number = calendar_ids or _ranks(dates, label_ends)
    ended, forecast_at = _numbered(number, label_ends), _numbered(number, cutoffs)
    cut = []
    for k, cutoff in enumerate(cutoffs):
        train = np.flatnonzero(ended < forecast_at[k] - embargo)
        if len(train) < min_train:
            continue
        tested = dates >= cutoff
        if k + 1 < len(cutoffs):
            tested &= dates < cutoffs[k + 1]
        cut.append(Fold(cutoff, train, np.flatnonzero(tested)))
    return cut


def _check(dates: Days, label_ends: Days, test_share: float) -> None:
    if dates.ndim != 1 or dates.shape != label_ends.shape:
        raise ValueError("dates and label_ends must be one-dimensional and of one length")
    # A comparison with not-a-time is False, so this refuses missing dates as well.
    if not np.all(label_ends > dates):
        raise ValueError("each label must end after its date, and neither may be missing")
    if not 0 < test_share < 1:
        raise ValueError("test_share must lie between 0 and 1")


def _ranks(dates: Days, label_ends: Days) -> SessionIds:
    """Numbers the sessions that occur at all. Sessions the data skips are not counted."""
    sessions = np.union1d(dates, label_ends)
    return lambda days: np.searchsorted(sessions, days).astype(np.int64)


def _numbered(number: SessionIds, days: Days) -> Ints:
    ids = number(days)
    if np.any(ids < 0):
        raise ValueError("a date is no session of the calendar")
    return ids
