"""Ridge regression as one small linear solve, whatever the length of the history."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from src.core.arrays import Floats

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

    def predict(self, X: Floats) -> Floats:
        """Forecast returns, (rows,)."""
        return np.asarray(np.einsum("ij,j->i", np.ascontiguousarray(X), self.coef)) + self.intercept


def ridge(X: Floats, y: Floats, horizon: int, *, alpha: float | None = None) -> Linear:
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
    if not (np.isfinite(X).all() and np.isfinite(y).all()):
        raise ValueError("training rows must be finite")
    centre = X.mean(axis=0)
    centred = X - centre
    spread = np.sqrt(np.einsum("ij,ij->j", centred, centred) / len(X))
    varies = spread > _rounding(centre, len(X))
    scale = np.where(varies, spread, 1.0)
    gram = centred.T @ centred / np.outer(scale, scale)
    # Added to the Gram matrix and not to the rows.
    gram[np.diag_indices_from(gram)] += (
        default_alpha(X.shape[1], horizon) if alpha is None else alpha
    )
    weights = np.linalg.solve(gram, centred.T @ (y - y.mean()) / scale)
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
