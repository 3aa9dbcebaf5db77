"""Training rows in; a fitted linear model out. ``CANDIDATES`` is where a new model is added.

Every candidate is ``fit(X, y, *, columns, horizon) -> FittedModel`` and sees training rows only,
so a scaler or a penalty cannot look at test data. ``X`` is (rows, features) and ``y`` (rows,),
simple returns; both finite.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from src.registry.model_file import LinearModel

Floats = npt.NDArray[np.float64]

# The share of variance of daily returns that predictors can honestly be expected to explain,
# out of sample (Campbell-Thompson 2008).
PRIOR_R2 = 0.005


@dataclass(frozen=True, eq=False)
class FittedModel:
    """A linear forecast: ``X @ coef + intercept``.

    Attributes:
        coef: One per column of the ``X`` it was fitted on, in units of return per unit of the
            feature; zero for columns it does not use.
        intercept: A simple return.
        options: What it was fitted with; part of the model's identity.
    """

    coef: Floats
    intercept: float
    options: Mapping[str, float] = field(default_factory=dict)

    def predict(self, X: Floats) -> Floats:
        """Forecast returns, (rows,)."""
        return X @ self.coef + self.intercept

    def named(self, features: Sequence[str]) -> LinearModel:
        """The same model with its features' names, as an artefact stores it."""
        return LinearModel(tuple(features), self.coef, self.intercept, dict(self.options))


class Fit(Protocol):
    """What every candidate is.

    ``columns`` are the positions of the scale-free features (None: all of them); ``horizon``
    says how many sessions neighbouring labels share.
    """

    def __call__(
        self, X: Floats, y: Floats, *, columns: Sequence[int] | None = None, horizon: int = 1
    ) -> FittedModel:
        """Fit on training rows.

        Raises:
            ValueError: For no rows, or values that are not finite.
        """


def zero(
    X: Floats, y: Floats, *, columns: Sequence[int] | None = None, horizon: int = 1
) -> FittedModel:
    """No change: the baseline that has to be beaten, and what is served by default."""
    return FittedModel(np.zeros(X.shape[1]), 0.0)


def mean(
    X: Floats, y: Floats, *, columns: Sequence[int] | None = None, horizon: int = 1
) -> FittedModel:
    """The mean of the training targets: refitted along a walk-forward, the expanding mean."""
    _check(X, y)
    return FittedModel(np.zeros(X.shape[1]), float(y.mean()))


def ridge(
    X: Floats,
    y: Floats,
    *,
    columns: Sequence[int] | None = None,
    horizon: int = 1,
    alpha: float | None = None,
) -> FittedModel:
    """Ridge on standardised inputs (Hoerl-Kennard 1970), folded back to the inputs' own units.

    Minimises ||y - mean(y) - Z b||^2 + alpha ||b||^2, Z the columns less their mean over their
    standard deviation (ddof 0), both of the training rows. A constant column gets no weight.
    """
    _check(X, y)
    chosen = np.arange(X.shape[1]) if columns is None else np.asarray(columns, dtype=np.int64)
    inputs = X if columns is None else X[:, chosen]
    centre = inputs.mean(axis=0)
    centred = inputs - centre
    spread = np.sqrt(np.einsum("ij,ij->j", centred, centred) / len(inputs))
    varies = spread > _rounding(centre, len(inputs))
    scale = np.where(varies, spread, 1.0)
    penalty = default_alpha(len(chosen), horizon) if alpha is None else alpha
    gram = centred.T @ centred / np.outer(scale, scale)
    # Added to the Gram matrix and not to the rows: one small solve, whatever the history.
    gram[np.diag_indices_from(gram)] += penalty
    weights = np.linalg.solve(gram, centred.T @ (y - y.mean()) / scale)
    coef = np.zeros(X.shape[1])
    coef[chosen] = np.where(varies, weights / scale, 0.0)
    intercept = float(y.mean() - centre @ coef[chosen])
    return FittedModel(coef, intercept, {"alpha": float(penalty)})


def default_alpha(n_features: int, horizon: int) -> float:
    """The penalty as a prior, so that no data choose it: noise over prior variance of a weight.

    Standardised weights that together explain ``PRIOR_R2`` have variance PRIOR_R2 / n_features
    each in units of var(y), against noise of about 1: alpha = n_features / PRIOR_R2. Labels
    ``horizon`` sessions long repeat one another, so the Gram matrix counts each independent
    outcome ``horizon`` times: the penalty does too.
    """
    return max(n_features, 1) * horizon / PRIOR_R2


CANDIDATES: Mapping[str, Fit] = {"zero": zero, "mean": mean, "ridge": ridge}


def _rounding(centre: Floats, rows: int) -> Floats:
    """The spread that rounding alone can give a constant column (scikit-learn's rule)."""
    eps = float(np.finfo(np.float64).eps)
    return np.maximum(rows * np.abs(centre) * eps, np.finfo(np.float64).tiny)


def _check(X: Floats, y: Floats) -> None:
    if not len(y) or len(X) != len(y):
        raise ValueError("a model needs at least one row, and as many targets as rows")
    if not (np.isfinite(X).all() and np.isfinite(y).all()):
        raise ValueError("training rows must be finite")
