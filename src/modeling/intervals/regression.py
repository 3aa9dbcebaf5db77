"""Fit one regression of log variance for all tickers, refitted as labels come in.

Least squares over all tickers and sessions whose label is realised, by cumulative sums: each row
is read once, however many refits there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from src.core.arrays import Bools, Floats

REFIT_EVERY = 126
EMBARGO = 5
MIN_ROWS = 200
WARM_UP = 250
# Dates that columns of the whole market need: on one date they have one value.
MIN_DATES = 100
# Sessions' worth of rows that a column's ridge weighs as much as, at its usual spread.
RIDGE_SESSIONS = 1000


@dataclass(frozen=True, eq=False)
class Refit:
    """Coefficients and the row from which they are used; ``beta`` is None before enough rows."""

    row: int
    beta: Floats | None


@dataclass(frozen=True)
class Ridge:
    """Pull the coefficients of the first columns to ``centre``, where few dates identify them.

    As strongly as ``RIDGE_SESSIONS`` sessions in which the column varies by ``spread``.
    """

    centre: tuple[float, ...]
    spread: tuple[float, ...]


NO_RIDGE = Ridge((), ())


@dataclass(frozen=True, eq=False)
class _Sums:
    """The normal equations of the rows seen so far, and how many dates have any."""

    gram: Floats
    moment: Floats
    rows: int = 0
    dates: int = 0

    def add(self, x: Floats, y: Floats, dates: int) -> _Sums:
        return _Sums(
            self.gram + x.T @ x, self.moment + x.T @ y, self.rows + len(y), self.dates + dates
        )

    def solve(self, ridge: Ridge) -> Floats:
        """Least squares; columns that repeat others share their weight."""
        strength, pull = self._ridge(ridge)
        gram, moment = self.gram + np.diag(strength), self.moment + pull
        scale = np.sqrt(np.maximum(np.diag(gram), np.finfo(np.float64).tiny))
        solution = np.linalg.lstsq(gram / np.outer(scale, scale), moment / scale, rcond=1e-12)[0]
        return np.asarray(solution / scale)

    def _ridge(self, ridge: Ridge) -> tuple[Floats, Floats]:
        strength, pull = np.zeros(len(self.moment)), np.zeros(len(self.moment))
        columns = slice(1, 1 + len(ridge.centre))
        rows_per_session = self.rows / max(self.dates, 1)
        strength[columns] = RIDGE_SESSIONS * rows_per_session * np.square(ridge.spread)
        pull[columns] = strength[columns] * ridge.centre
        return strength, pull


def refits(
    columns: Sequence[Floats],
    label: Floats,
    horizon: int,
    *,
    sessions: Bools | None = None,
    ridge: Ridge = NO_RIDGE,
    min_dates: int = 0,
) -> list[Refit]:
    """One fit every ``REFIT_EVERY`` rows of ``label`` (T, N) on columns (T, N) or (T, 1).

    A fit used from row s on has seen the labels of rows t with t + horizon + EMBARGO <= s, of
    ``sessions`` (T,) alone where they are given.
    """
    width = len(columns) + 1
    sums, seen = _Sums(np.zeros((width, width)), np.zeros(width)), 0
    if sessions is not None:
        label = np.where(sessions[:, None], label, np.nan)
    fitted = []
    for row in range(0, len(label), REFIT_EVERY):
        ended = max(0, row - horizon - EMBARGO + 1)
        block = slice(seen, ended)
        sums, seen = (
            sums.add(*_complete([column[block] for column in columns], label[block])),
            ended,
        )
        ready = sums.rows >= MIN_ROWS and sums.dates >= min_dates and row >= WARM_UP + horizon
        fitted.append(Refit(row, sums.solve(ridge) if ready else None))
    return fitted


def predict(columns: Sequence[Floats], fits: Sequence[Refit], out: Floats) -> None:
    """Put daily volatility into ``out`` (T, N) wherever a fit and all its columns are known.

    Summed column by column, so that a row's value needs no other row.
    """
    for fit in fits:
        if fit.beta is None:
            continue
        rows = slice(fit.row, fit.row + REFIT_EVERY)
        log_variance = np.full(out[rows].shape, fit.beta[0])
        for weight, column in zip(fit.beta[1:], columns, strict=True):
            log_variance += weight * column[rows]
        volatility = np.exp(0.5 * log_variance)
        out[rows] = np.where(np.isfinite(volatility), volatility, out[rows])


def _complete(columns: Sequence[Floats], label: Floats) -> tuple[Floats, Floats, int]:
    """Rows of the regression without a gap, (rows, 1 + columns) and (rows,), and their dates."""
    complete = np.isfinite(label)
    for column in columns:
        complete &= np.isfinite(column)
    chosen = [np.broadcast_to(column, label.shape)[complete] for column in columns]
    x = np.stack([np.ones(int(complete.sum())), *chosen], axis=1)
    return x, label[complete], int(complete.any(axis=1).sum())
