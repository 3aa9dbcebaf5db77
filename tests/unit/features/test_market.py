"""The market's state and places among tickers, against plain loops over a pool with holes."""

import math
import weakref
from itertools import pairwise

import numpy as np
import pytest

from src.features import market as mk
from src.features.catalogue import model_features
from src.features.market import ModelFeature
from tests.support.pools import pool_of_prices, wandering, with_holes

NONE = math.nan


@pytest.fixture(scope="module")
def prices():
    return with_holes(wandering())


@pytest.fixture(scope="module")
def pool(prices):
    return pool_of_prices(prices)


@pytest.fixture(scope="module")
def features():
    return {one.name: one for one in model_features()}


def log_returns(close):
    """Per ticker {session: ln of its close over that of its bar before}."""
    found = []
    for column in close.T:
        rows = [t for t in range(len(column)) if not math.isnan(column[t])]
        pairs = pairwise(rows)
        found.append({b: math.log(column[b] / column[a]) for a, b in pairs})
    return found


def market_of(close):
    """{session: mean log return} where at least five tickers have one."""
    each = log_returns(close)
    found = {}
    for t in range(len(close)):
        there = [r[t] for r in each if t in r]
        if len(there) >= 5:
            found[t] = sum(there) / len(there)
    return found


def volatility(returns):
    """Root of the mean of squares with weights .94^age; needs 63."""
    if len(returns) < 63:
        return NONE
    weights = [0.94**age for age in range(len(returns))]
    squares = [w * r * r for w, r in zip(weights, reversed(returns), strict=True)]
    return math.sqrt(sum(squares) / sum(weights))


def agrees(found, expected):
    """Equal but for rounding to single precision, and NaN in the same places."""
    return found.ravel().tolist() == pytest.approx(
        expected.ravel().tolist(), rel=1e-6, abs=1e-7, nan_ok=True
    )


# --- the market


def test_the_market_is_the_mean_return_of_those_with_a_bar(prices, pool):
    expected = market_of(prices.close)

    assert 200 not in expected  # only three tickers traded
    assert {t: m for t, m in enumerate(pool.market) if not math.isnan(m)} == pytest.approx(
        expected, rel=1e-12
    )


def slow_market(close, value):
    """``value(returns up to t)`` at every session with a market, for every ticker with a bar."""
    market = market_of(close)
    out = np.full(close.shape, np.nan)
    sessions = sorted(market)
    for place, t in enumerate(sessions):
        found = value([market[k] for k in sessions[: place + 1]])
        out[t] = np.where(np.isnan(close[t]), np.nan, found)
    return out


def log_volatility(m):
    return math.log(math.sqrt(volatility(m) ** 2 + 1e-8))


def log_volatility_change(m):
    if len(m) < 63 + 251:
        return NONE
    logs = [log_volatility(m[: len(m) - back]) for back in range(252)]
    return logs[0] - sum(logs) / 252


SLOWLY = {
    **{
        f"market_ret_{k}_s": lambda m, k=k: (
            sum(m[-k:]) / volatility(m) / math.sqrt(k) if len(m) >= k else NONE
        )
        for k in (1, 5, 21, 63, 252)
    },
    "market_vol": log_volatility,
    "market_vol_252": log_volatility_change,
}


@pytest.mark.parametrize("name", SLOWLY)
def test_the_state_of_the_market_is_what_its_formula_says(name, prices, pool, features):
    expected = slow_market(prices.close, SLOWLY[name])

    assert np.isfinite(expected).any()
    assert agrees(pool.matrix(features[name]), expected)


# --- beside the market


def slow_beside(close, value):
    """``value(s, pairs so far)`` of each ticker at each session with its bar and a market.

    A pair is the ticker's and the market's log return since the last such session.
    """
    market, out = market_of(close), np.full(close.shape, np.nan)
    for n, returns in enumerate(log_returns(close)):
        bars = [t for t in range(len(close)) if not math.isnan(close[t, n])]
        common, pairs = [t for t in bars if t in market], []
        for before, t in zip([None, *common], common, strict=False):
            if before is not None:
                own = math.log(close[t, n] / close[before, n])
                pairs.append((own, sum(market.get(k, 0) for k in range(before + 1, t + 1))))
            s = volatility([r for k, r in returns.items() if k <= t])
            if len(pairs) >= 126:
                out[t, n] = value(s, pairs)
    return out


def slope(pairs):
    mean_own, mean_m = (sum(side) / len(pairs) for side in zip(*pairs, strict=True))
    together = sum((a - mean_own) * (b - mean_m) for a, b in pairs)
    return together / sum((b - mean_m) ** 2 for _, b in pairs)


def unexplained(s, pairs, span):
    left = sum(own - slope(pairs[-126:]) * m for own, m in pairs[-span:])
    return left / s / math.sqrt(span)


BESIDE = {
    "beta_126": lambda _, pairs: slope(pairs[-126:]),
    "residual_5_s": lambda s, pairs: unexplained(s, pairs, 5),
    "residual_21_s": lambda s, pairs: unexplained(s, pairs, 21),
}


@pytest.mark.parametrize("name", BESIDE)
def test_a_ticker_beside_the_market_is_what_its_formula_says(name, prices, pool, features):
    expected = slow_beside(prices.close, BESIDE[name])

    assert np.isfinite(expected).any(axis=0).all()
    assert agrees(pool.matrix(features[name]), expected)


def test_a_ticker_that_moves_twice_as_the_market_of_the_others_has_the_larger_beta():
    # Six tickers that move as one, and one that moves twice as much: the mean moves 8/7.
    step = np.random.default_rng(1).normal(0, 0.01, (200, 1)) * np.array([1, 1, 1, 1, 1, 1, 2])
    close = 100 * np.exp(np.cumsum(step, axis=0))
    same = wandering(200).map(lambda *_: close)

    found = mk.beta(pool_of_prices(same), 126)

    assert found[-1].tolist() == pytest.approx([7 / 8] * 6 + [14 / 8], rel=1e-9)


def test_a_market_that_always_moves_the_same_has_no_beta():
    even = 100 * 1.01 ** np.arange(300)[:, None] * np.ones((1, 6))

    assert np.isnan(mk.beta(pool_of_prices(wandering(300, 6).map(lambda *_: even)), 126)).all()


# --- ranks


def slow_ranks(values):
    out = np.full(values.shape, np.nan)
    for t, row in enumerate(values):
        known = [x for x in row if not math.isnan(x)]
        for n, x in enumerate(row):
            if len(known) >= 5 and not math.isnan(x):
                below = sum(y < x for y in known)
                equal = sum(y == x for y in known) - 1
                out[t, n] = (below + equal / 2) / (len(known) - 1) - 0.5
    return out


def test_ranks_run_from_minus_a_half_to_a_half():
    values = np.array([[30.0, 10.0, 50.0, 20.0, 40.0]])

    assert mk.ranks(values).tolist() == [[0.0, -0.5, 0.5, -0.25, 0.25]]


def test_equal_values_share_their_place():
    values = np.array([[1.0, 2.0, 2.0, 2.0, 9.0, np.nan], [4.0, 4.0, 4.0, 4.0, 4.0, 4.0]])

    assert mk.ranks(values).tolist() == pytest.approx(
        np.array([[-0.5, 0, 0, 0, 0.5, NONE], [0] * 6]), nan_ok=True
    )


def test_four_tickers_have_no_rank_and_what_is_not_finite_is_not_ranked():
    values = np.array([[1, 2, 3, 4, NONE, np.inf], [1, 2, 3, 4, 5, -np.inf]])

    expected = np.array([[NONE] * 6, [-0.5, -0.25, 0, 0.25, 0.5, NONE]])
    assert agrees(mk.ranks(values), expected)


def test_any_ranks_are_those_of_a_loop():
    random = np.random.default_rng(2)
    values = random.integers(0, 8, (60, 11)).astype(float)
    values[random.random(values.shape) < 0.4] = np.nan

    assert agrees(mk.ranks(values), slow_ranks(values))


def test_every_feature_of_a_ticker_is_ranked(prices, pool, features):
    ranked = [one for one in features.values() if one.name.startswith("rank_")]
    bases = [one for one in features.values() if one.kind == "time_series" or one.name in BESIDE]

    assert [one.name for one in ranked] == [f"rank_{one.name}" for one in bases]
    for one, base in zip(ranked, bases, strict=True):
        assert agrees(pool.matrix(one), slow_ranks(pool.matrix(base))), one.name


# --- the pool


def test_a_feature_of_a_ticker_counts_its_bars_and_not_the_sessions(prices, pool, features):
    column = prices.close[:, 0]
    there = np.isfinite(column)
    alone = pool_of_prices(prices.map(lambda _, values: values[there][:, :1]))

    momentum = features["mom_21_s"]
    assert (~there).any()
    assert np.array_equal(
        pool.matrix(momentum)[there, 0], alone.matrix(momentum)[:, 0], equal_nan=True
    )


def test_no_feature_has_a_value_where_there_is_no_bar(prices, pool, features):
    missing = np.isnan(prices.close)

    assert all(np.isnan(pool.matrix(one)[missing]).all() for one in features.values())


def test_a_session_of_three_tickers_has_no_market_and_no_ranks(prices, pool, features):
    said = [n for n, one in features.items() if np.isfinite(pool.matrix(one)[200]).any()]

    own = {n for n, one in features.items() if one.kind == "time_series"}
    assert np.isfinite(prices.close[200]).sum() == 3
    assert set(said) <= own
    assert "ret_lag1_s" in said


def test_a_price_that_is_not_above_zero_is_no_bar(prices):
    bent = prices.map(lambda _, values: values)
    bent.close[120, 0] = 0
    blank = prices.map(lambda _, values: values)
    blank.close[120, 0] = np.nan

    assert np.array_equal(pool_of_prices(bent).market, pool_of_prices(blank).market, equal_nan=True)


def test_a_session_that_is_not_complete_has_no_market_and_no_ranks(prices, pool, features):
    complete = np.ones(len(prices.close), dtype=bool)
    complete[[250, 300]] = False

    found = mk.build_pool(
        pool.close, np.diff(np.log(prices.close), axis=0, prepend=np.nan), complete, pool.inputs
    )

    for name, one in features.items():
        is_known = np.isfinite(found.matrix(one)[[250, 300]]).any()
        assert is_known == (one.kind == "time_series"), name


def test_a_pool_keeps_one_matrix_at_a_time(pool, features):
    first = weakref.ref(pool.matrix(features["rank_rsi_14"]))
    assert first() is not None

    pool.matrix(features["skew_63"])
    assert first() is None


def test_a_matrix_is_given_out_read_only(pool):
    feature = ModelFeature("again", lambda pool: pool.close * 2, 1, "cross_section")

    with pytest.raises(ValueError, match="read-only"):
        pool.matrix(feature)[0] = 1
