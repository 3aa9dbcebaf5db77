"""A walk-forward of boosted trees by mlforecast: training.py PRICES.parquet REFITS.

PRICES has ``ticker, date, close``; see contestant.py. The trees have our parameters; the inputs are
mlforecast's own lags and rolling windows, a dozen. It refits as often as we do, on all rows so far,
and between refits it forecasts recursively, as it does.
"""

from __future__ import annotations

import sys
from functools import partial

import contestant
import polars as pl
from mlforecast import MLForecast
from mlforecast.lag_transforms import RollingMean, RollingStd
from sklearn.ensemble import HistGradientBoostingRegressor

STEP = 252
TREES = {
    "max_iter": 150,
    "learning_rate": 0.05,
    "max_depth": 6,
    "max_leaf_nodes": 16,
    "min_samples_leaf": 500,
    "max_features": 0.5,
    "l2_regularization": 10.0,
    "early_stopping": False,
    "random_state": 42,
}


def walk_forward(returns: pl.DataFrame, refits: int) -> None:
    """Its ``cross_validation``."""
    forecaster = MLForecast(
        models=[HistGradientBoostingRegressor(**TREES)],
        freq=1,
        lags=[1, 2, 3, 4, 5],
        lag_transforms={
            1: [
                *(RollingMean(k) for k in (7, 21, 63, 252)),
                *(RollingStd(k) for k in (14, 63, 252)),
            ]
        },
    )
    forecaster.cross_validation(
        returns, n_windows=refits, h=STEP, step_size=STEP, refit=True, static_features=[]
    )


def main() -> None:
    """Serve it."""
    prices, refits = pl.read_parquet(sys.argv[1]), int(sys.argv[2])
    back = pl.col("close") / pl.col("close").shift(1).over("ticker") - 1
    returns = prices.select(
        unique_id="ticker", ds=pl.int_range(pl.len()).over("ticker"), y=back.fill_null(0.0)
    )
    contestant.serve(
        {"mlforecast, features and walk-forward": partial(walk_forward, returns, refits)},
        ("mlforecast", "scikit-learn"),
    )


if __name__ == "__main__":
    main()
