"""A feature that has seen the next session is found, and no other one."""

import dataclasses
import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.features.catalogue import model_features, time_series_features
from src.features.leakage_check import correlations, limit, row_correlations
from src.features.market import matrices
from tests.support.pools import Prices, next_session, pool_of_prices, wandering

FIELDS = ("open", "high", "low", "close", "volume")


def leaking(features, target):
    return [one.feature for one in correlations(features, target) if one.leaks]


def honest(prices):
    return dict(matrices(pool_of_prices(prices), model_features()))


def ahead(values):
    """Each row's value as of the next session."""
    return np.vstack([values[1:], np.full((1, values.shape[1]), np.nan)])


def market_one_day_off(prices):
    pool = pool_of_prices(prices)
    shifted = dataclasses.replace(pool, market=np.append(pool.market[1:], np.nan))
    return dict(matrices(shifted, [one for one in model_features() if one.kind == "market"]))


@pytest.fixture(scope="module")
def prices():
    return wandering(sessions=700, tickers=25)


@pytest.fixture(scope="module")
def target(prices):
    return next_session(prices)


@pytest.fixture(scope="module")
def known(prices):
    return honest(prices)


# --- the number


def test_the_correlation_is_pearsons_over_all_pairs_there_are():
    # Pairs (1, 1), (2, 3), (3, 2): deviations -1 0 1 and -1 1 0, so 1 / (sqrt 2 sqrt 2).
    feature = np.array([[1.0, 2.0], [np.nan, 3.0], [7.0, np.inf]])
    target = np.array([[1.0, 3.0], [5.0, 2.0], [np.nan, 4.0]])

    (found,) = correlations({"x": feature}, target)

    assert found.correlation == pytest.approx(0.5, rel=1e-12)
    assert (found.feature, found.n, found.tickers) == ("x", 3, 2)


@pytest.mark.parametrize(
    ("values", "target"),
    [
        (np.full((5, 1), 0.1), np.arange(5.0)[:, None]),
        (np.full((5, 1), np.nan), np.arange(5.0)[:, None]),
        (np.zeros((5, 1)), np.zeros((5, 1))),
        (np.arange(5.0)[:, None], np.array([[1.0], *[[np.nan]] * 4])),
        (np.empty((0, 3)), np.empty((0, 3))),
    ],
)
def test_what_has_no_correlation_has_zero_and_raises_nothing(values, target):
    (found,) = correlations({"x": values}, target)

    assert (found.correlation, found.leaks) == (0.0, False)


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_a_huge_or_tiny_feature_is_correlated_all_the_same(scale):
    target = np.array([[1.0, 3.0, 2.0]])

    (found,) = correlations({"x": np.array([[1.0, 2.0, 3.0]]) * scale}, target)

    assert found.correlation == pytest.approx(0.5, rel=1e-12)


@pytest.mark.parametrize(
    ("tickers", "sessions", "expected"),
    [
        (20, 900, 0.10),
        (20, 225, 0.20),
        (141, 5000, 0.10),
        (19, 5000, 0.30),
        (19, 100, 0.50),
        (1, 400, 0.30),
        (1, 64, 0.625),
    ],
)
def test_few_tickers_are_allowed_what_chance_alone_may_give(tickers, sessions, expected):
    assert limit(tickers, sessions) == pytest.approx(expected, rel=1e-12)


def test_the_limit_counts_the_tickers_and_sessions_that_have_pairs():
    random = np.random.default_rng(1)
    feature, target = random.normal(size=(2, 100, 30))
    feature[:, 19:] = np.nan
    feature[64:] = np.nan

    (found,) = correlations({"x": feature}, target)

    assert (found.tickers, found.limit) == (19, 0.625)


def test_the_sentence_names_the_feature_and_the_numbers():
    (found,) = correlations({"x": np.eye(30)}, np.eye(30))

    assert found.leaks
    assert found.message == (
        "x: correlation +1.00 with the next session's return over 900 rows of 30 tickers, "
        "the limit is 0.55"
    )


def test_a_feature_that_goes_against_the_target_leaks_as_well():
    assert leaking({"x": -np.eye(30)}, np.eye(30)) == ["x"]


# --- what it must catch, and what it must not


def test_no_honest_feature_of_prices_that_wander_leaks(known, target):
    assert leaking(known, target) == []


@pytest.mark.parametrize(
    "name", ["ret_lag1_s", "rank_ret_lag1_s", "mom_5_s", "rsi_14", "residual_5_s"]
)
def test_a_feature_shifted_one_session_forward_leaks(known, target, name):
    assert leaking({name: ahead(known[name])}, target) == [name]


def test_a_market_series_one_day_off_leaks(prices, target):
    found = leaking(market_one_day_off(prices), target)

    assert {"market_ret_1_s", "market_ret_5_s"} <= set(found)


def test_a_label_of_the_session_itself_leaks(prices, known):
    of_today = np.vstack([np.full((1, 25), np.nan), next_session(prices)[:-1]])

    assert "ret_lag1_s" in leaking(known, of_today)


@pytest.mark.parametrize("noise", [0, 1, 5])
def test_the_target_under_noise_leaks(target, noise):
    # Noise of k deviations leaves a correlation of 1 / sqrt(1 + k^2): .20 at 5.
    random = np.random.default_rng(2)
    heard = target + noise * np.nanstd(target) * random.normal(size=target.shape)

    (found,) = correlations({"heard": heard}, target)

    assert found.correlation == pytest.approx(1 / math.sqrt(1 + noise**2), abs=0.03)
    assert found.leaks


def test_one_leaking_ticker_alone_is_caught(prices, target):
    one = prices.columns([3])
    own = dict(matrices(pool_of_prices(one), time_series_features()))

    assert leaking(own, target[:, 3:4]) == []
    assert leaking({"x": ahead(own["ret_lag1_s"])}, target[:, 3:4]) == ["x"]


# --- real prices


@pytest.fixture(scope="module")
def real(data):
    """24 NSE stocks, 2020-10 to 2025-09, as they were downloaded."""
    frames = [
        pl.read_csv(path, columns=["timestamp", *FIELDS]).with_columns(
            pl.col("timestamp").str.slice(0, 10), pl.lit(path.name).alias("ticker")
        )
        for path in sorted((data / "nse_daily_upstox").glob("*.csv"))[:48:2]
    ]
    long = pl.concat(frames, how="vertical_relaxed")
    matrix = {
        name: long.pivot(on="ticker", index="timestamp", values=name)
        .sort("timestamp")
        .drop("timestamp")
        .cast(pl.Float64)
        .to_numpy()
        for name in FIELDS
    }
    return Prices(**matrix)


@pytest.fixture(scope="module")
def real_features(real):
    return honest(real)


def test_no_honest_feature_of_real_prices_leaks(real, real_features):
    found = correlations(real_features, next_session(real))

    assert all(one.tickers == 24 and one.n > 15_000 for one in found)
    assert [one.message for one in found if one.leaks] == []


@pytest.mark.parametrize(
    "name", ["ret_lag1_s", "rank_ret_lag1_s", "mom_5_s", "rsi_14", "residual_5_s"]
)
def test_a_feature_of_real_prices_shifted_one_session_forward_leaks(real, real_features, name):
    assert leaking({name: ahead(real_features[name])}, next_session(real)) == [name]


def test_a_real_market_series_one_day_off_leaks(real):
    found = leaking(market_one_day_off(real), next_session(real))

    assert {"market_ret_1_s", "market_ret_5_s"} <= set(found)


# --- long rows


def test_a_correlation_of_rows_by_hand():
    # x: deviations -1 0 1 and -1 1 0, so 1 / (sqrt 2 sqrt 2); its reverse beside it.
    x, target = np.array([1, 2, 3], dtype=np.float32), np.array([1.0, 3.0, 2.0])

    one, other = row_correlations(
        [("x", x), ("y", -x)], target, np.array([0, 0, 1]), np.array([0, 1, 0])
    )

    assert (one.feature, other.feature) == ("x", "y")
    assert (one.correlation, other.correlation) == pytest.approx((0.5, -0.5), rel=1e-12)
    # Five over the root of two sessions.
    assert (one.n, one.tickers, one.limit) == (3, 2, pytest.approx(5 / 2**0.5))


@settings(max_examples=40)
@given(st.integers(0, 2**16), st.integers(5, 40), st.integers(1, 30))
def test_rows_give_what_their_matrices_give(seed, sessions, tickers):
    random = np.random.default_rng(seed)
    target, *features = random.normal(size=(3, sessions, tickers)).astype(np.float32)
    for values in (target, *features):
        values[random.random(target.shape) < 0.2] = np.nan
    named = dict(zip("ab", features, strict=True))
    rows, columns = (places.ravel() for places in np.indices(target.shape))

    found = row_correlations(
        ((name, values.ravel()) for name, values in named.items()), target.ravel(), rows, columns
    )

    assert list(found) == correlations(named, target)


@pytest.mark.parametrize(
    ("values", "target"),
    [
        (np.empty(0), np.empty(0)),
        (np.full(4, 0.1), np.arange(4.0)),
        (np.arange(4.0), np.full(4, 0.1)),
        (np.ones(1), np.ones(1)),
    ],
)
def test_rows_that_do_not_vary_have_no_correlation_and_raise_nothing(values, target):
    places = np.zeros(len(values), dtype=np.int64)

    (found,) = row_correlations([("x", values)], target, places, places)

    assert (found.correlation, found.leaks) == (0.0, False)


def test_an_input_of_few_sessions_is_allowed_what_chance_gives_in_these():
    random = np.random.default_rng(3)
    values, target = random.normal(size=(2, 500 * 30))
    rows, columns = np.repeat(np.arange(500), 30), np.tile(np.arange(30), 500)
    young = np.where(rows >= 400, values, np.nan)

    old, new = row_correlations([("x", values), ("y", young)], target, rows, columns)

    assert old.limit == pytest.approx(3 / 500**0.5)
    assert new.limit == pytest.approx(3 / 100**0.5)
