"""Leaks built into a step are caught, and the steps as they are pass."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from src.config.settings import Settings
from src.core.calendars.nse import nse
from src.features import leakage_check
from src.features.catalogue import features
from src.features.panel import build_pool
from src.modeling.experiment import leakage
from src.modeling.experiment.config import experiment_config
from src.modeling.experiment.run import feature_rows
from src.modeling.panel import panel
from src.modeling.points import walk_forward
from src.modeling.points.ridge import ridge
from tests.support.prices import clean_walk, sessions

DAYS = sessions(dt.date(2021, 1, 4), 900)
TICKERS = ("A.NS", "B.NS", "C.NS", "D.NS", "E.NS", "F.NS")
CUT = 700
SETTINGS = Settings(_env_file=None)


@pytest.fixture(scope="module")
def whole():
    """Six walks with a market in common."""
    market = np.exp(np.cumsum(np.random.default_rng(9).normal(0, 0.01, len(DAYS))))
    frames = [
        clean_walk(ticker, DAYS, seed=seed).with_columns(
            pl.col(n) * pl.Series(market) for n in ("open", "high", "low", "close", "adj_close")
        )
        for seed, ticker in enumerate(TICKERS)
    ]
    return panel.build(pl.concat(frames), nse())


def leaks(whole, step, cut=CUT):
    results = leakage.check_steps(whole, {"step": step}, [cut], seed=1)
    return {r.check: [name for name, _ in r.leaks] for r in results if not r.passed}


def test_the_steps_as_they_are_pass(whole):
    names = ("zero", "mean", "drift", "ridge", "rank_tilt")
    configs = [experiment_config(SETTINGS, horizon, names, 6) for horizon in ("short", "long")]
    steps = leakage.checked_steps(features(SETTINGS.features), configs, names)
    refits = leakage.refits(whole, configs[0])

    results = list(leakage.check_steps(whole, steps, refits[-1:], seed=1))

    assert len(results) == 2 * len(steps)
    assert all(result.passed for result in results)
    assert all(result.compared > 3000 for result in results)
    assert leakage.check_correlations(leakage.model_inputs(whole), whole).passed


def test_a_feature_shifted_one_day_forward_is_caught(whole):
    def shifted(given):
        return {"return": np.vstack([given.log_returns[1:], given.log_returns[:1] * np.nan])}

    assert leaks(whole, shifted) == {
        "cut off": ["return"],
        "replaced": ["return"],
    }


def test_a_market_series_one_day_off_is_caught_twice(whole):
    def off(given):
        market = np.append(build_pool(given).market[1:], np.nan)
        return {"market": np.repeat(market[:, None], len(given.tickers), axis=1)}

    assert set(leaks(whole, off)) == {"cut off", "replaced"}
    found = leakage.check_correlations(off(whole), whole)
    assert (found.passed, found.leaks[0][0]) == (False, "market")
    honest = {"market": np.repeat(build_pool(whole).market[:, None], 6, axis=1)}
    assert leakage.check_correlations(honest, whole).passed


def schedule():
    return experiment_config(SETTINGS, "short", ("zero", "ridge"), 6).schedule


def test_a_fold_that_is_not_purged_is_caught(whole):
    def unpurged(given):
        known = feature_rows(given)
        # Labels of 63 sessions, purged as if they took one.
        y = given.targets(63)
        points, _ = walk_forward.fit_predict(ridge, known, y, 1, schedule())
        return {"ridge": points}

    refit = leakage.refits(whole, experiment_config(SETTINGS, "short", ("zero", "ridge"), 6))[-1]

    assert set(leaks(whole, unpurged, cut=refit)) == {
        "cut off",
        "replaced",
    }


def test_a_scaler_fitted_on_all_data_is_caught(whole):
    def scaled(given):
        known = feature_rows(given)
        inputs = (known.inputs - known.inputs.mean(axis=0)) / known.inputs.std(axis=0)
        wrong = walk_forward.FeatureRows(known.rows, known.columns, inputs, known.names)

        def through_origin(X, y, horizon):
            weights, *_ = np.linalg.lstsq(X.T @ X + np.eye(X.shape[1]), X.T @ y, rcond=None)
            return type("Line", (), {"predict": lambda self, X: X @ weights})()

        points, _ = walk_forward.fit_predict(through_origin, wrong, given.targets(1), 1, schedule())
        return {"line": points}

    assert set(leaks(whole, scaled)) == {"cut off", "replaced"}


def test_a_label_joined_to_the_session_that_it_begins_in_is_caught(whole):
    assert leaks(whole, lambda given: {"label": given.targets(1)}) == {
        "cut off": ["label"],
        "replaced": ["label"],
    }


def test_a_value_that_is_only_there_when_the_future_is_counts_as_a_leak(whole):
    def eager(given):
        extra = {"late": given.close} if len(given.sessions) > CUT + 1 else {}
        return {"close": given.close, **extra}

    assert leaks(whole, eager) == {"cut off": ["late"]}


def test_the_future_is_replaced_and_the_past_is_not(whole):
    changed = leakage.replace_future(whole, CUT, seed=3)

    assert np.array_equal(changed.close[: CUT + 1], whole.close[: CUT + 1])
    assert (changed.close[CUT + 1 :] != whole.close[CUT + 1 :]).all()
    assert leakage.cut_off(whole, CUT).sessions[-1] == whole.sessions[CUT]
    assert leakage_check.limit(6, 900) == 0.30
