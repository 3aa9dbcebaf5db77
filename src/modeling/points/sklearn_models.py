"""Fit scikit-learn's models, each a ``folds.FitFunction``, with fixed seeds.

The forecast of a row is the same to the last bit however many rows are forecast with it. Inputs are
scale-free features, targets simple returns or ranks of them; both finite.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from src.core.arrays import Floats, Singles
from src.modeling.points.feature_rows import InputRows
from src.modeling.points.ridge import Linear, default_alpha

if TYPE_CHECKING:
    from src.modeling.points.folds import FittedModel

SEED = 42
# Trees are grown on the newest rows only: three years of fifty tickers.
MOST_ROWS = 40_000
# The elastic net has its rows in double precision twice: of more, every second, third, …
LINEAR_ROWS = 500_000
# The forest's trees are not pruned, so that every row may cost a leaf in each of them.
FOREST_ROWS, FOREST_TREES = 5_000, 50
# Weights below a tenth of the strongest possible one are dropped.
L1_RATIO, L1_SHARE = 0.5, 0.1


def elastic_net(X: InputRows, y: Floats, horizon: int) -> FittedModel:
    """Elastic net (Zou-Hastie 2005) on standardised inputs and a standardised target.

    The penalty is a share of the smallest one at which every weight is zero, so that the scale of
    the target decides neither how many features are left nor how far their weights are shrunk.
    """
    from sklearn.linear_model import ElasticNet
    from sklearn.preprocessing import StandardScaler

    step = -(-len(y) // LINEAR_ROWS)
    # Sums of single numbers would be single too.
    doubles, y = X[::step].astype(np.float64), y[::step]
    scaler = StandardScaler().fit(doubles)
    scaled = scaler.transform(doubles)
    spread = float(y.std()) or 1.0
    standardised = (y - y.mean()) / spread
    strongest = float(np.abs(scaled.T @ standardised).max() / (len(y) * L1_RATIO))
    penalty = max(L1_SHARE * strongest, np.finfo(np.float64).tiny)
    model = ElasticNet(alpha=penalty, l1_ratio=L1_RATIO, fit_intercept=False).fit(
        scaled, standardised
    )
    coef = spread * model.coef_ / scaler.scale_
    return Linear(coef, float(y.mean() - scaler.mean_ @ coef))


def hist_gradient_boosting(X: InputRows, y: Floats, horizon: int) -> FittedModel:
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


def random_forest(X: InputRows, y: Floats, horizon: int) -> FittedModel:
    """The model of the first version of this system, unpruned trees, kept for comparison.

    Made cheap enough for a walk-forward over a hundred tickers: 50 trees instead of 100, the root
    of the number of features tried at a split instead of all, and of the newest rows every second,
    third, … so that at most 5,000 remain.
    """
    from sklearn.ensemble import RandomForestRegressor

    newest = slice(-MOST_ROWS, None, -(-min(len(y), MOST_ROWS) // FOREST_ROWS))
    model = RandomForestRegressor(
        n_estimators=FOREST_TREES, max_features="sqrt", random_state=SEED, n_jobs=1
    )
    return _fitted(model, X[newest], y[newest])


def _fitted(model: Any, X: Floats | Singles, y: Floats) -> FittedModel:
    fitted: FittedModel = model.fit(X, y)
    return fitted
