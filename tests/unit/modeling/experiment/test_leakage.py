"""Leaks built into a step are caught, and the steps as they are pass."""

import datetime as dt
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from src.config.settings import Settings
from src.core.calendars.nse import nse
from src.features import leakage_check
from src.features.market import market_returns
from src.modeling.experiment import leakage
from src.modeling.experiment.config import experiment_config
from src.modeling.experiment.run import feature_rows
from src.modeling.points import walk_forward
from src.modeling.points.folds import Fitting
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
    return road_of(pl.concat(frames))


def road_of(clean):
    return leakage.Road(clean, SETTINGS.features, (1, 63), nse())


def leaks(whole, step, cut=CUT):
    results = leakage.check_steps(whole, {"step": step}, [cut], seed=1)
    return {r.check: [name for name, _ in r.leaks] for r in results if not r.passed}


def test_the_steps_as_they_are_pass(whole):
    names = ("zero", "mean", "drift", "ridge", "rank_tilt")
    configs = [experiment_config(SETTINGS, horizon, names, 6) for horizon in ("short", "long")]
    steps = leakage.checked_steps(configs, names)
    refits = leakage.refits(whole.panel, configs[0])

    results = list(leakage.check_steps(whole, steps, refits[-1:], seed=1))

    assert len(results) == 2 * len(steps)
    assert all(result.passed for result in results)
    assert all(result.compared > 3000 for result in results)
    assert leakage.check_correlations(leakage.model_inputs(whole), whole.panel).passed


def test_a_feature_shifted_one_day_forward_is_caught(whole):
    def shifted(road):
        returns = road.panel.log_returns
        return {"return": np.vstack([returns[1:], returns[:1] * np.nan])}

    assert leaks(whole, shifted) == {
        "cut off": ["return"],
        "replaced": ["return"],
    }


def test_a_market_series_one_day_off_is_caught_twice(whole):
    def market_of(panel):
        return market_returns(panel.log_returns, panel.complete)

    def off(road):
        market = np.append(market_of(road.panel)[1:], np.nan)
        return {"market": np.repeat(market[:, None], len(road.panel.tickers), axis=1)}

    assert set(leaks(whole, off)) == {"cut off", "replaced"}
    found = leakage.check_correlations(off(whole), whole.panel)
    assert (found.passed, found.leaks[0][0]) == (False, "market")
    honest = {"market": np.repeat(market_of(whole.panel)[:, None], 6, axis=1)}
    assert leakage.check_correlations(honest, whole.panel).passed


def schedule():
    return experiment_config(SETTINGS, "short", ("zero", "ridge"), 6).schedule


def walk_forward_of(fit, features, y):
    inputs = walk_forward.WalkInputs(features, features, 1, schedule())
    return walk_forward.begin(inputs, Fitting(fit), y)().points


def test_a_fold_that_is_not_purged_is_caught(whole):
    def unpurged(road):
        features = feature_rows(road.panel)
        # Labels of 63 sessions, purged as if they took one.
        y = road.panel.targets(63)
        return {"ridge": walk_forward_of(ridge, features, y)}

    refit = leakage.refits(whole.panel, experiment_config(SETTINGS, "short", ("zero", "ridge"), 6))[
        -1
    ]

    assert set(leaks(whole, unpurged, cut=refit)) == {
        "cut off",
        "replaced",
    }


def test_a_scaler_fitted_on_all_data_is_caught(whole):
    def scaled(road):
        features = feature_rows(road.panel).without_pool
        stored = features.stored
        centre, spread = np.nanmean(stored, axis=0), np.nanstd(stored, axis=0)
        wrong = replace(features, stored=(stored - centre) / spread)

        def through_origin(rows, y, horizon):
            X = rows[:].astype(float)
            weights, *_ = np.linalg.lstsq(X.T @ X + np.eye(X.shape[1]), X.T @ y, rcond=None)
            return type("Line", (), {"predict": lambda self, X: X @ weights})()

        y = road.panel.targets(1)
        return {"line": walk_forward_of(through_origin, wrong, y)}

    assert set(leaks(whole, scaled)) == {"cut off", "replaced"}


def test_a_label_joined_to_the_session_that_it_begins_in_is_caught(whole):
    assert leaks(whole, lambda road: {"label": road.panel.targets(1)}) == {
        "cut off": ["label"],
        "replaced": ["label"],
    }


def test_a_value_that_is_only_there_when_the_future_is_counts_as_a_leak(whole):
    def eager(road):
        close = road.panel.close
        return {"close": close} | ({"late": close} if len(close) > CUT + 1 else {})

    assert leaks(whole, eager) == {"cut off": ["late"]}


def test_the_future_is_replaced_and_the_past_is_not(whole):
    day = whole.panel.sessions[CUT].item()
    before, after = whole.panel.close, leakage.replace_future(whole, day, seed=3).panel.close

    assert np.array_equal(after[: CUT + 1], before[: CUT + 1])
    assert (after[CUT + 1 :] != before[CUT + 1 :]).all()
    assert leakage.cut_off(whole, day).panel.sessions[-1] == whole.panel.sessions[CUT]
    assert leakage_check.limit(6, 900) == 0.30


# --- pools that grow and shrink


def forecasts_of(road, names=("zero", "ridge")):
    config = experiment_config(SETTINGS, "short", names, 5)
    return leakage.forecasts(road, config, names)


def test_a_fifth_ticker_silences_nobody_and_no_check_cries_wolf(whole):
    four = whole.clean.filter(pl.col("ticker") < "E")
    fifth = whole.clean.filter(ticker="E.NS").tail(300)
    before, joined = road_of(four), road_of(pl.concat([four, fifth]))

    alone, together = forecasts_of(before)["ridge"], forecasts_of(joined)["ridge"]

    forecast = np.isfinite(alone).all(axis=1)
    assert forecast.sum() > 300
    assert np.array_equal(together[:600, :4], alone[:600], equal_nan=True)
    assert np.isfinite(together[forecast][:, :4]).all()
    config = experiment_config(SETTINGS, "short", ("zero", "ridge"), 5)
    steps = leakage.checked_steps([config], ("zero", "ridge"))
    results = list(leakage.check_steps(joined, steps, [580, 870], seed=1))
    assert [(result.step, result.leaks) for result in results if not result.passed] == []


def test_a_pool_of_five_that_one_has_left_is_forecast_on(whole):
    five = whole.clean.filter(pl.col("ticker") < "F")
    left = five.filter((pl.col("ticker") != "C.NS") | (pl.col("date") <= DAYS[800]))

    points = forecasts_of(road_of(left))["ridge"]

    others = [0, 1, 3, 4]
    assert np.isfinite(points[790:, others]).all()
    assert np.isnan(points[801:, 2]).all()
