"""Distributions of returns by statsforecast and MAPIE: intervals.py CLOSES.npz FOLDER.

CLOSES has ``close``, (sessions, tickers), ``origins``, rows from which forecasts are made, and
``levels`` of the quantiles, symmetric around .5. Each work writes FOLDER/NAME_HORIZON.npy, the
quantiles (origins, tickers, levels) of the simple return over the horizon, and returns its path.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import contestant
import numpy as np
import pandas as pd
from scipy.stats import norm

# MAPIE's models are fitted anew at every tenth origin, and calibrated on the last year's labels.
REFIT, CALIBRATION = 10, 250


def by_statsforecast(
    close: np.ndarray, origins: np.ndarray, levels: np.ndarray, horizon: int, out: Path
) -> str:
    """GARCH(1,1) of daily returns for one session, a random walk with drift for more.

    Its GARCH intervals are centred on a return that it draws, and as wide as if the variance were
    a standard deviation (2.1.1). What is scored is its variance with normal quantiles around zero.
    """
    from statsforecast import StatsForecast
    from statsforecast.models import GARCH, RandomWalkWithDrift

    logs = np.log(close[: origins[-1] + horizon + 1])
    # In percent: the search for GARCH's parameters fails on numbers as small as daily returns.
    values = 100 * (np.diff(logs, axis=0, prepend=logs[:1]) if horizon == 1 else logs)
    rows, tickers = values.shape
    frame = pd.DataFrame(
        {
            "unique_id": np.repeat(np.arange(tickers), rows),
            "ds": np.tile(np.arange(rows), tickers),
            "y": values.T.ravel(),
        }
    )
    model = GARCH(1, 1) if horizon == 1 else RandomWalkWithDrift()
    shares = [round(100 * (1 - 2 * level)) for level in levels if level < 0.5]
    found = StatsForecast(models=[model], freq=1).cross_validation(
        df=frame,
        h=horizon,
        n_windows=len(origins),
        step_size=int(origins[1] - origins[0]),
        level=shares,
    )
    last = found[found["ds"] == found["cutoff"] + horizon].sort_values(["cutoff", "unique_id"])
    name = str(model)
    columns = [f"{name}-lo-{share}" for share in shares] + [name]
    columns += [f"{name}-hi-{share}" for share in reversed(shares)]
    quantiles = last[columns].to_numpy().reshape(len(origins), tickers, len(levels))
    if horizon == 1:
        normal = norm.ppf(levels)
        variances = (quantiles[..., -1] - quantiles[..., 0]) / (normal[-1] - normal[0])
        quantiles = np.sqrt(variances)[..., None] * normal
    else:
        quantiles = quantiles - 100 * logs[origins][:, :, None]
    return _write(out, np.expm1(quantiles / 100))


def by_mapie(
    close: np.ndarray, origins: np.ndarray, levels: np.ndarray, horizon: int, out: Path
) -> str:
    """Split conformal intervals around a ridge on past returns and volatilities, by ticker."""
    from mapie.regression import SplitConformalRegressor
    from sklearn.linear_model import Ridge

    shares = [float(1 - 2 * level) for level in levels if level < 0.5]
    quantiles = np.empty((len(origins), close.shape[1], len(levels)))
    for ticker in range(close.shape[1]):
        prices = close[:, ticker]
        inputs, returns = _inputs(prices), np.full(prices.size, np.nan)
        returns[:-horizon] = prices[horizon:] / prices[:-horizon] - 1
        for start in range(0, len(origins), REFIT):
            now = origins[start : start + REFIT]
            known = np.arange(now[0] - horizon + 1)
            known = known[np.isfinite(inputs[known]).all(axis=1)]
            train, calibrate = known[:-CALIBRATION], known[-CALIBRATION:]
            model = SplitConformalRegressor(Ridge(), confidence_level=shares, prefit=False)
            model.fit(inputs[train], returns[train])
            model.conformalize(inputs[calibrate], returns[calibrate])
            middle, intervals = model.predict_interval(inputs[now])
            rows = slice(start, start + len(now))
            quantiles[rows, ticker] = np.column_stack(
                [intervals[:, 0], middle, intervals[:, 1, ::-1]]
            )
    return _write(out, quantiles)


def _inputs(close: np.ndarray) -> np.ndarray:
    returns = pd.Series(close).pct_change()
    columns = [returns.shift(lag) for lag in range(5)]
    columns += [returns.rolling(window).std() for window in (14, 63)]
    return pd.concat(columns, axis=1).to_numpy()


def _write(path: Path, quantiles: np.ndarray) -> str:
    np.save(path, np.sort(quantiles, axis=-1))
    return str(path)


def main() -> None:
    """Serve both at both horizons."""
    stored, folder = np.load(sys.argv[1]), Path(sys.argv[2])
    given = (stored["close"], stored["origins"], stored["levels"])
    works = {"statsforecast": by_statsforecast, "MAPIE": by_mapie}
    contestant.serve(
        {
            f"{name} {horizon}": partial(work, *given, horizon, folder / f"{name}_{horizon}.npy")
            for name, work in works.items()
            for horizon in (1, 63)
        },
        ("statsforecast", "MAPIE", "scikit-learn"),
    )


if __name__ == "__main__":
    main()
