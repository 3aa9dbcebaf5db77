"""Pooled training rows in; fitted models out, each a ``walked.FitRows``. Seeds are fixed.

``ridge`` is ours, so that one small solve serves any history; the others are libraries'. Inputs are
scale-free features, targets simple returns; both finite.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from src.modeling.candidates import default_alpha
from src.modeling.candidates import ridge as ridge_on

if TYPE_CHECKING:
    from src.modeling.walked import Fitted

Floats = npt.NDArray[np.float64]

SEED = 42
# Trees are grown on the newest rows only: three years of fifty tickers.
MOST_ROWS = 40_000
# Weights below a tenth of the strongest possible one are dropped.
L1_RATIO, L1_SHARE = 0.5, 0.1


def ridge(X: Floats, y: Floats, horizon: int) -> Fitted:
    """Ridge with a prior for a penalty (see ``candidates.ridge``)."""
    return ridge_on(X, y, horizon=horizon)


def elastic_net(X: Floats, y: Floats, horizon: int) -> Fitted:
    """Elastic net (Zou-Hastie 2005) on standardised inputs.

    The penalty is a share of the smallest one at which every weight is zero, so that the scale of
    the target does not decide how many features are left.
    """
    from sklearn.linear_model import ElasticNet
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    scaled = (X - X.mean(axis=0)) / np.where(X.std(axis=0) > 0, X.std(axis=0), 1.0)
    strongest = float(np.abs(scaled.T @ (y - y.mean())).max() / (len(y) * L1_RATIO))
    penalty = max(L1_SHARE * strongest, np.finfo(np.float64).tiny)
    model = make_pipeline(StandardScaler(), ElasticNet(alpha=penalty, l1_ratio=L1_RATIO))
    return _fitted(model, X, y)


def hist_gradient_boosting(X: Floats, y: Floats, horizon: int) -> Fitted:
    """Shallow boosted trees on the newest rows, with leaves no smaller than a month of tickers."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    model = HistGradientBoostingRegressor(
        max_iter=100,
        learning_rate=0.05,
        max_leaf_nodes=8,
        min_samples_leaf=200,
        l2_regularization=default_alpha(1, 1),
        early_stopping=False,
        random_state=SEED,
    )
    return _fitted(model, X[-MOST_ROWS:], y[-MOST_ROWS:])


def random_forest(X: Floats, y: Floats, horizon: int) -> Fitted:
    """The first system's model, 100 unpruned trees: kept to be compared with, never to be proud of.

    Its rows are the newest ones, drawn without looking at the target.
    """
    from sklearn.ensemble import RandomForestRegressor

    newest = slice(-MOST_ROWS // 8, None)
    model = RandomForestRegressor(n_estimators=100, random_state=SEED, n_jobs=1)
    return _fitted(model, X[newest], y[newest])


def _fitted(model: Any, X: Floats, y: Floats) -> Fitted:
    fitted: Fitted = model.fit(X, y)
    return fitted
