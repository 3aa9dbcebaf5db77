"""Prices of a few tickers that wander together, fixed by seed, as sessions by tickers."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, fields

import numpy as np
import polars as pl

from src.config.sections.results import FeatureSettings
from src.config.settings import Settings
from src.core.calendars.nse import nse
from src.features import ticker_features
from src.features.catalogue import time_series_features
from src.features.labels import label_rows
from src.features.market import Pool, build_pool
from src.modeling.experiment.run import WalkForwardResult
from src.modeling.panel import assemble
from src.modeling.panel.panel import Panel
from src.modeling.training.pool_training import PoolTraining, train_pool
from tests.support.prices import sessions

START = dt.date(2015, 1, 1)
WINDOWS = FeatureSettings()


@dataclass
class Prices:
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    volume: np.ndarray

    def map(self, change):
        """The same with ``change(name, values)`` made to a copy of each field."""
        return Prices(
            **{f.name: change(f.name, getattr(self, f.name).copy()) for f in fields(self)}
        )

    def until(self, row):
        return self.map(lambda _, values: values[:row])

    def columns(self, chosen):
        return self.map(lambda _, values: values[:, chosen])

    def without(self, missing):
        """The same without the bars that a (T, N) mask names."""
        return self.map(lambda _, values: np.where(missing, np.nan, values))


def wandering(sessions=340, tickers=7, seed=5) -> Prices:
    """Every bar there; a common factor moves all, and volatility differs from ticker to ticker."""
    random = np.random.default_rng(seed)
    shape = (sessions, tickers)
    common = random.standard_t(5, (sessions, 1)) * 0.008
    own = random.standard_t(5, shape) * np.linspace(0.006, 0.02, tickers)
    close = np.linspace(40, 3000, tickers) * np.exp(np.cumsum(common + own, axis=0))
    last = np.vstack([close[:1], close[:-1]])
    opened = last * np.exp(random.normal(0, 0.004, shape))
    return Prices(
        open=opened,
        high=np.maximum(opened, close) * (1 + np.abs(random.normal(0, 0.006, shape))),
        low=np.minimum(opened, close) / (1 + np.abs(random.normal(0, 0.006, shape))),
        close=close,
        volume=np.round(random.lognormal(12, 0.5, shape)),
    )


def with_holes(prices: Prices, seed=6) -> Prices:
    """One ticker listed late, one delisted, bars lost here and there, a session of only three."""
    random = np.random.default_rng(seed)
    missing = random.random(prices.close.shape) < 0.01
    missing[:60, 1] = True
    missing[-40:, 2] = True
    missing[200, 3:] = True
    holed = prices.without(missing)
    holed.volume[150, 4] = 0
    return holed


def next_session(prices: Prices) -> np.ndarray:
    """Simple return from each session's close to the next one's, as a target."""
    out = np.full(prices.close.shape, np.nan)
    out[:-1] = prices.close[1:] / prices.close[:-1] - 1
    return out


def clean_rows(prices: Prices) -> pl.DataFrame:
    """The same as rows of the clean daily table: no row where there is no close above zero."""
    days = sessions(START, len(prices.close))
    parts = []
    for column in range(prices.close.shape[1]):
        bars = {f.name: getattr(prices, f.name)[:, column] for f in fields(prices)}
        parts.append(
            pl.DataFrame({"ticker": f"T{column:02}.NS", "date": days, **bars})
            .filter(pl.col("close").is_finite() & (pl.col("close") > 0))
            .with_columns(
                adj_close="close",
                source=pl.lit("yahoo"),
                return_basis=pl.lit("price"),
                action_pending=False,
            )
        )
    return pl.concat(parts)


def panel_of_clean(clean: pl.DataFrame, horizons: tuple[int, ...] = (1, 5, 63)) -> Panel:
    """The panel of clean rows, by way of their features and labels."""
    features = ticker_features.compute(clean, WINDOWS)
    labels = {horizon: label_rows(features, horizon, nse()) for horizon in horizons}
    names = [feature.name for feature in time_series_features()]
    return assemble.build(features, names, labels, nse())


def panel_of_prices(prices: Prices) -> Panel:
    """The panel of the prices."""
    return panel_of_clean(clean_rows(prices))


@dataclass
class Trained:
    """What training on a pool gave: the walk-forward of each horizon, and a leak if there is."""

    leak: str | None = None
    results: dict[str, WalkForwardResult] = field(default_factory=dict)


def trained_on(panel: Panel, settings: Settings, *others) -> Trained:
    """Train on a panel, and keep all that is judged."""
    trained = Trained()

    def judge(training: PoolTraining, horizon: str, result: WalkForwardResult) -> None:
        trained.leak = training.leak
        trained.results[horizon] = result

    train_pool(panel, settings, judge, *others)
    return trained


def pool_of_prices(prices: Prices) -> Pool:
    """What the inputs of their pool are computed from, every session being complete."""
    features = ticker_features.compute(clean_rows(prices), WINDOWS)
    days = np.array(sessions(START, len(prices.close)), dtype="datetime64[D]")
    rows = np.searchsorted(days, features["date"].to_numpy())
    columns = features["ticker"].str.slice(1, 2).cast(pl.Int64).to_numpy()

    def matrix(values: np.ndarray) -> np.ndarray:
        out = np.full(prices.close.shape, np.nan, dtype=values.dtype)
        out[rows, columns] = values
        return out

    names = [feature.name for feature in time_series_features()]
    inputs = features["inputs"].explode().to_numpy().reshape(-1, len(names))
    return build_pool(
        matrix(features["adj_close"].to_numpy()),
        matrix(features["log_return"].to_numpy()),
        np.ones(days.size, dtype=bool),
        {name: matrix(inputs[:, n]) for n, name in enumerate(names)},
    )
