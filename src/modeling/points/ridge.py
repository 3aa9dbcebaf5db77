"""Ridge regression as one small linear solve, whatever the length of the history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from src.core.arrays import Floats, Singles
from src.modeling.points.feature_rows import InputRows

# Rows that are in double precision at a time.
CHUNK = 65_536
# The share of variance of daily returns that predictors can honestly be expected to explain,
# out of sample (Campbell-Thompson 2008).
PRIOR_R2 = 0.005


@dataclass(frozen=True, eq=False)
class Linear:
    """``X @ coef + intercept``, each row summed independently of the others.

    BLAS sums a row in an order that depends on how many rows it is given.
    """

    coef: Floats
    intercept: float

    def predict(self, X: Floats | Singles) -> Floats:
        """Forecast returns, (rows,)."""
        sums = [np.einsum("ij,j->i", chunk, self.coef) for chunk in _doubles(X)]
        return np.concatenate(sums) + self.intercept if sums else np.empty(0)


def ridge(X: InputRows, y: Floats, horizon: int, *, alpha: float | None = None) -> Linear:
    """Ridge on standardised inputs (Hoerl-Kennard 1970), folded back to the inputs' own units.

    Minimises ||y - mean(y) - Z b||^2 + alpha ||b||^2, Z the columns less their mean over their
    standard deviation (ddof 0), both of the training rows. A constant column gets no weight.

    Args:
        X: (rows, features), finite.
        y: Simple returns, (rows,), finite.
        horizon: Sessions that neighbouring labels share.
        alpha: The penalty; None takes ``default_alpha``.

    Raises:
        ValueError: For no rows, or values that are not finite.
    """
    if not len(y) or len(X) != len(y):
        raise ValueError("a model needs at least one row, and as many targets as rows")
    X = X[:]
    if not (np.isfinite(X).all() and np.isfinite(y).all()):
        raise ValueError("training rows must be finite")
    centre = X.mean(axis=0, dtype=np.float64)
    products, moment = np.zeros((X.shape[1], X.shape[1])), np.zeros(X.shape[1])
    start, deviation = 0, y - y.mean()
    for chunk in _doubles(X):
        centred = chunk - centre
        products += centred.T @ centred
        moment += centred.T @ deviation[start : start + len(chunk)]
        start += len(chunk)
    spread = np.sqrt(np.diag(products) / len(X))
    varies = spread > _rounding(centre, len(X))
    scale = np.where(varies, spread, 1.0)
    gram = products / np.outer(scale, scale)
    # Added to the Gram matrix and not to the rows.
    gram[np.diag_indices_from(gram)] += (
        default_alpha(X.shape[1], horizon) if alpha is None else alpha
    )
    weights = np.linalg.solve(gram, moment / scale)
    coef = np.where(varies, weights / scale, 0.0)
    return Linear(coef, float(y.mean() - centre @ coef))


def default_alpha(n_features: int, horizon: int) -> float:
    """The penalty as a prior, so that no data choose it: noise over prior variance of a weight.

    Standardised weights that together explain ``PRIOR_R2`` have variance PRIOR_R2 / n_features
    each in units of var(y), against noise of about 1: alpha = n_features / PRIOR_R2. Labels
    ``horizon`` sessions long repeat one another, so the Gram matrix counts each independent
    outcome ``horizon`` times: the penalty does too.
    """
    return max(n_features, 1) * horizon / PRIOR_R2


def _rounding(centre: Floats, rows: int) -> Floats:
    """The spread that rounding alone can give a constant column (scikit-learn's rule)."""
    eps = float(np.finfo(np.float64).eps)
    return np.maximum(rows * np.abs(centre) * eps, np.finfo(np.float64).tiny)


def _doubles(X: Floats | Singles) -> Iterator[Floats]:
    """Some rows after the others in double precision: all at once would take twice the memory."""
    for start in range(0, len(X), CHUNK):
        yield np.ascontiguousarray(X[start : start + CHUNK], dtype=np.float64)
