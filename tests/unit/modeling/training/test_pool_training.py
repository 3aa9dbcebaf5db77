"""Training a pool: contests of both horizons, unless a feature knows the future."""

import dataclasses
import importlib
import weakref

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from src.config.settings import Settings
from src.features import leakage_check
from src.modeling.experiment import run as experiment
from src.modeling.experiment.run import FeatureCache, pool_of
from src.modeling.points.fit_cache import DiskFitCache
from src.modeling.training import pool_training
from src.modeling.training.pool_training import find_leak, train_pool
from src.registry.formats.models import pack
from tests.support.pools import panel_of_prices, trained_on, wandering

SETTINGS = Settings(_env_file=None)


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """Threads that spin beside a busy neighbour make growing small trees ten times slower."""
    importlib.import_module("sklearn.ensemble")
    with threadpool_limits(1, user_api="openmp"):
        yield


@pytest.fixture(scope="module")
def panel():
    return panel_of_prices(wandering(720, 22))


@pytest.fixture(scope="module")
def trained(panel):
    return trained_on(panel.select(), SETTINGS)


def market_one_day_off(panel):
    pool = pool_of(panel)
    return dataclasses.replace(pool, market=np.append(pool.market[1:], np.nan))


def market_that_has_heard(panel):
    """The next session's move is already in today's market, beside its own."""
    pool = pool_of(panel)
    ahead = np.append(pool.market[1:], 0.0)
    return dataclasses.replace(pool, market=pool.market + ahead)


def leaky(panel, name, change):
    """A panel of which one stored input was changed: ``change(values, target)``, a row a bar."""
    cache = FeatureCache(panel)
    features = cache.features
    target = np.full(panel.close.shape, np.nan)
    target[:-1] = panel.close[1:] / panel.close[:-1] - 1
    stored = features.stored.copy()
    column = features.stored_names.index(name)
    stored[features.bars, column] = change(
        stored[features.bars, column], target[features.rows, features.columns]
    )
    vars(cache)["features"] = dataclasses.replace(features, stored=stored)
    return cache


# --- honest prices


def test_an_honest_pool_is_taught_at_both_horizons(trained):
    assert trained.leak is None
    assert {name: result.horizon for name, result in trained.results.items()} == {
        "short": 1,
        "long": 63,
    }
    short, long = trained.results["short"], trained.results["long"]
    assert set(short.points) == {"zero", "mean", "drift", "rank_tilt"}
    assert set(long.points) == {"zero", "mean", "drift"}
    assert (short.config.challenger, long.config.challenger) == ("rank_tilt", "drift")


def test_a_pool_too_small_to_be_ranked_is_judged_by_its_ridge(panel):
    few = panel_of_prices(wandering(400, 6))

    found = trained_on(few, SETTINGS)

    assert set(found.results["short"].points) == {"zero", "mean", "drift", "ridge"}
    assert found.results["short"].config.challenger == "ridge"


def test_distributions_can_be_asked_for_the_last_five_years_alone(panel, monkeypatch):
    monkeypatch.setattr(pool_training, "SCORED_SESSIONS", 100)

    result = trained_on(panel.select(slice(400)), SETTINGS).results["long"]

    assert result.distributions.quantiles_of(np.array([300]), 0).shape == (1, 21)
    with pytest.raises(IndexError, match="row 299"):
        result.distributions.quantiles_of(np.array([299]), 0)


def test_fits_are_kept_where_they_are_told_to_be(panel, trained, tmp_path, monkeypatch):
    names = []

    class Listening(DiskFitCache):
        def find(self, fitting, fold):
            names.append(fitting.name)
            return super().find(fitting, fold)

    found = trained_on(panel.select(), SETTINGS, Listening(tmp_path))

    assert set(names) == {"rank_tilt"}
    assert len(list(tmp_path.iterdir())) >= 1
    for horizon in ("short", "long"):
        one, other = trained.results[horizon], found.results[horizon]
        assert one.points.keys() == other.points.keys()
        for name, points in one.points.items():
            assert np.array_equal(points, other.points[name], equal_nan=True)
        assert {name: pack(model) for name, model in one.models.items()} == {
            name: pack(model) for name, model in other.models.items()
        }


def test_the_inputs_of_a_panel_are_not_kept_beside_its_judgement(panel):
    own = panel.select()
    memory = weakref.ref(own.inputs.per_bar)
    kept = []

    train_pool(own, SETTINGS, lambda *_: kept.append(memory()))

    assert kept == [None, None]


def test_the_result_of_a_horizon_is_not_kept_beside_that_of_the_next(panel):
    horizons, kept = [], []

    def judge(training, horizon, result):
        kept.append([earlier() for earlier in horizons])
        horizons.append(weakref.ref(result))

    train_pool(panel.select(), SETTINGS, judge)

    assert kept == [[], [None]]


# --- leaks


def test_a_market_series_one_day_off_stops_the_teaching(panel, monkeypatch):
    monkeypatch.setattr(experiment, "pool_of", market_one_day_off)

    found = trained_on(panel.select(), SETTINGS)

    assert found.leak is not None
    assert found.leak.startswith("market_ret_1_s: correlation +0.")
    assert "with the next session's return" in found.leak
    for result in found.results.values():
        assert set(result.points) == {"zero", "mean"}
        assert result.config.challenger == "zero"
        assert set(result.models) == {"zero"}
        assert not result.replay.promoted.any()


def test_a_market_series_that_has_heard_the_next_session_stops_the_teaching(panel, monkeypatch):
    monkeypatch.setattr(experiment, "pool_of", market_that_has_heard)

    assert trained_on(panel.select(), SETTINGS).leak is not None


def test_a_leak_still_leaves_distributions_of_the_prices_themselves(panel, trained, monkeypatch):
    monkeypatch.setattr(experiment, "pool_of", market_one_day_off)

    result = trained_on(panel.select(), SETTINGS).results["short"]

    rows = np.array([719])
    assert np.array_equal(
        result.distributions.quantiles(rows),
        trained.results["short"].distributions.quantiles(rows),
    )


@pytest.mark.parametrize("name", ["ret_lag1_s", "rsi_14"])
def test_an_input_that_is_the_next_return_under_noise_is_named(panel, name):
    noise = np.random.default_rng(1).normal(size=100_000)

    def leak(_, target):
        following = np.nan_to_num(target)
        return following + 2 * following.std() * noise[: len(following)]

    assert find_leak(leaky(panel, name, leak)).startswith(f"{name}: correlation +0.4")


def test_an_input_that_goes_against_the_next_return_is_named(panel):
    leak = find_leak(leaky(panel, "mom_5_s", lambda _, target: -np.nan_to_num(target)))

    assert "mom_5_s: correlation -1.00" in leak


def test_the_inputs_as_they_are_are_no_leak(panel):
    assert find_leak(leaky(panel, "mom_5_s", lambda values, _: values)) is None


def test_the_limit_counts_the_sessions_and_tickers_that_have_inputs(panel):
    short = panel.select(slice(351))
    cache = leaky(short, "ret_lag1_s", lambda _, target: np.nan_to_num(target))

    # Inputs of a ticker need 252 rows before theirs, and the last of 351 sessions has no next one.
    assert find_leak(cache).endswith(
        f"over {(350 - 252) * 22} rows of 22 tickers, the limit is {3 / np.sqrt(98):.2f}"
    )


def test_of_a_large_pool_every_few_sessions_show_a_leak(panel, monkeypatch):
    monkeypatch.setattr(pool_training, "ROWS_WITHOUT_CHOICE", 1_000)
    monkeypatch.setattr(leakage_check, "ENOUGH_SESSIONS", 100)
    cache = leaky(panel, "ret_lag1_s", lambda _, target: np.nan_to_num(target))

    # Of 468 sessions with inputs every fourth, 117 from the last back, which has no next return.
    assert f"over {116 * 22} rows of 22 tickers" in find_leak(cache)

    monkeypatch.setattr(pool_training, "ENOUGH_ROWS", 500)
    # Of their 117 * 22 rows every fifth from the last back, of which five have no next return.
    assert "over 510 rows of 22 tickers" in find_leak(cache)


@pytest.mark.parametrize("rows", [1, 2, 60, 316, 317])
def test_a_pool_with_nothing_to_correlate_is_no_leak(panel, rows):
    found = trained_on(panel.select(slice(rows)), SETTINGS)

    assert found.leak is None
    assert set(found.results) == {"short", "long"}
