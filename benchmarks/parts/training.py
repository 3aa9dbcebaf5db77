"""Training of one pool, beside scikit-learn's bare fits of the same rows and mlforecast.

Run: python -m benchmarks.parts.training [--quick]. Ours is all that a first training computes in
memory: distributions of both horizons, the check for leaks, the walk-forward of the candidates, and
the gate. The bare fits are those of the boosted trees in it: the same rows, inputs and parameters,
with scikit-learn's own ``fit`` and nothing around it. mlforecast walks the same trees forward with
as many refits, on a dozen inputs of its own; its features are part of its time, and of ours then.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.page import result
from benchmarks.page.result import Result
from benchmarks.parts import race
from benchmarks.parts.panel_features import built, clean_prices
from benchmarks.peers import contestant
from src.config.load import load_settings
from src.config.settings import Settings
from src.features.market import ranks
from src.modeling.experiment.config import experiment_config
from src.modeling.experiment.run import FeatureCache, count_seasoned_tickers
from src.modeling.panel.panel import Panel
from src.modeling.points import rank_trees, splits
from src.modeling.training.pool_training import train_pool

SIZE, SMALL = (2000, 24), (1400, 20)
OURS, BARE = "training of a pool", "scikit-learn, its bare fits"
FROM_PRICES, MLFORECAST = "features and training of a pool", "mlforecast, features and walk-forward"


def measure(quick: bool) -> Result:
    """Both comparisons, each in turn."""
    sessions, tickers = SMALL if quick else SIZE
    found, rounds = Result(), 1 if quick else 2
    with tempfile.TemporaryDirectory() as folder:
        prices = Path(folder) / "prices.parquet"
        pl.concat(clean_prices(sessions, tickers)).select("ticker", "date", "close").write_parquet(
            prices
        )
        own = partial(race.own, "benchmarks.parts.training", "serve", str(sessions), str(tickers))
        refits = count_refits(sessions, tickers)
        peers = partial(race.peer, "training.py", str(prices), str(refits))
        entries = [(OURS, own), (BARE, own), (FROM_PRICES, own), (MLFORECAST, peers)]
        outcome = race.run(entries, rounds, warm_up=False)
    size = f"{tickers} tickers x {sessions:,} sessions"
    own_times = {name: outcome.times.pop(name) for name in (OURS, FROM_PRICES)}
    for ours, theirs in ((OURS, BARE), (FROM_PRICES, MLFORECAST)):
        if theirs in outcome.times:
            row = result.compared(f"{ours}, {size}", theirs, own_times[ours], outcome.times[theirs])
            found.peers.append(row)
    found.missing = {f"training: {name}": why for name, why in outcome.failed.items()}
    found.versions = outcome.versions
    rows = sessions * tickers
    cost = own_times[OURS].summary()["median"]
    found.figures["first training in memory: cpu µs a ticker and session"] = 1e6 * cost / rows
    return found


def count_refits(sessions: int, tickers: int) -> int:
    """How often the walk-forward refits."""
    whole, _ = built(sessions, tickers)
    settings = load_settings(None)
    features = FeatureCache(whole).features
    schedule = _config(settings, whole).schedule
    return len(splits.folds(features.rows[features.complete], 1, schedule))


def _config(settings: Settings, panel: Panel) -> Any:
    return experiment_config(settings, "short", ("rank_tilt",), count_seasoned_tickers(panel))


def bare_fits(panel: Panel, settings: Settings) -> float:
    """Cpu seconds of scikit-learn's fits on the rows of every refit at one session."""
    features = FeatureCache(panel).features
    complete = np.flatnonzero(features.complete)
    rows, columns = features.rows[complete], features.columns[complete]
    actual = np.where(panel.complete[:, None], panel.targets(1), np.nan)
    targets = ranks(actual)[rows, columns]
    schedule, taken = _config(settings, panel).schedule, 0.0
    for fold in splits.folds(rows, 1, schedule):
        train = fold.train[np.isfinite(targets[fold.train])]
        if train.size >= schedule.min_train and fold.test.size:
            X, y = features.take(complete[train]), targets[train]
            model = _trees(train.size)
            began = time.process_time()
            model.fit(X, y)
            taken += time.process_time() - began
    return taken


def _trees(rows: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(
        max_iter=rank_trees.TREES,
        learning_rate=rank_trees.RATE,
        max_depth=rank_trees.DEPTH,
        max_leaf_nodes=rank_trees.LEAVES,
        min_samples_leaf=max(1, min(rank_trees.LEAF, rows // rank_trees.LEAF_SHARE)),
        max_features=rank_trees.INPUTS_SHARE,
        l2_regularization=rank_trees.PENALTY,
        early_stopping=False,
        random_state=rank_trees.SEED,
    )


def serve(sessions: int, tickers: int) -> None:
    """Our side of the race; of the bare fits only what ``fit`` takes counts."""
    settings = load_settings(None)
    panel, _ = built(sessions, tickers)

    def from_prices() -> None:
        train_pool(built(sessions, tickers)[0], settings, _nothing)

    works: Mapping[str, Callable[[], Any]] = {
        OURS: lambda: train_pool(_with_inputs(panel), settings, _nothing),
        BARE: lambda: {"cpu": bare_fits(panel, settings)},
        FROM_PRICES: from_prices,
    }
    contestant.serve(works, ("scikit-learn",))


def _with_inputs(panel: Panel) -> Panel:
    """The panel, whose own inputs stand: training lets those go that it is given."""
    return replace(panel, inputs=replace(panel.inputs))


def _nothing(*_: Any) -> None:
    """What is measured ends where a result would be judged."""


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(int(sys.argv[2]), int(sys.argv[3]))
    else:
        result.main(measure, __doc__)
