"""Summaries of a walk-forward, worked out by hand: a ticker's table, the pool's, coverage."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.modeling.experiment import summary
from src.modeling.intervals.quantiles import LEVELS
from tests.support.walk_forward_results import walk_forward_result

nan = np.nan
TICKERS = ("A.NS", "B.NS")
ACTUAL = np.array([[0.01, 0.5], [-0.02, 0.5], [0.03, 0.5], [0.04, 0.5], [nan, nan]])


def candidate_points(**columns):
    """Forecasts of A.NS as given, and of B.NS as far from right as can be."""
    return {
        name: np.column_stack([np.array(column, dtype=float), np.full(5, -9.0)])
        for name, column in columns.items()
    }


def two(challenger="drift", **columns):
    usual = {"mean": [nan, 0.01, -0.005, 0.01, 0.0], "drift": [0.01, 0.01, 0.01, nan, 0.01]}
    points = {"zero": np.zeros((5, 2)), **candidate_points(**usual | columns)}
    return walk_forward_result(ACTUAL.copy(), points, challenger, tickers=TICKERS)


# --- of a ticker itself


def test_a_tickers_own_table_is_over_the_sessions_that_all_have_forecast():
    zero, mean, drift = summary.ticker_metrics(two(), "A.NS")

    # The second and the third session: -.02 and .03.
    assert [row["name"] for row in (zero, mean, drift)] == ["zero", "mean", "drift"]
    assert {row["n"] for row in (zero, mean, drift)} == {2}
    assert zero["mae"] == pytest.approx(0.05 / 2)
    assert mean["mae"] == pytest.approx((0.03 + 0.035) / 2)
    assert drift["mae"] == pytest.approx((0.03 + 0.02) / 2)
    assert drift["skill_vs_zero"] == pytest.approx(0)
    assert drift["skill_vs_mean"] == pytest.approx(1 - 0.05 / 0.065)
    assert drift["n_eff"] == 2
    assert drift["share_of_rises"] == 0.5


def test_a_ticker_that_one_candidate_never_forecast_has_no_table():
    assert summary.ticker_metrics(two(drift=[nan] * 5), "A.NS") == []


def test_every_tickers_table_is_its_own():
    result = two()

    assert summary.all_ticker_metrics(result) == {
        ticker: summary.ticker_metrics(result, ticker) for ticker in ("A.NS", "B.NS")
    }


def test_a_ticker_without_an_outcome_has_no_table():
    result = two()
    result.actual[:, 0] = nan

    assert summary.ticker_metrics(result, "A.NS") == []


# --- of the pool


def test_the_pools_rows_are_every_candidate_and_what_would_have_been_served():
    rows = summary.pool_metrics(two())

    assert [row["name"] for row in rows] == ["zero", "mean", "drift", "served"]


def test_a_pools_errors_by_hand():
    rows = {row["name"]: row for row in summary.pool_metrics(two())}

    # A.NS: .00 .03 .02 of three sessions; B.NS: 9.5 on four.
    assert rows["drift"]["n"] == 7
    assert rows["drift"]["mae"] == pytest.approx((0.05 + 4 * 9.5) / 7)
    # Nothing: A.NS .01 + .02 + .03 and B.NS .5 four times.
    assert rows["drift"]["skill_vs_zero"] == pytest.approx(1 - 38.05 / 2.06)
    # Beside the mean where both have a forecast: A.NS .03 + .035, B.NS 9.5 four times.
    assert rows["drift"]["skill_vs_mean"] == pytest.approx(1 - 38.05 / 38.065)
    # Zero is served: it errs by all that happened.
    assert rows["served"]["mae"] == rows["zero"]["mae"] == pytest.approx((0.1 + 4 * 0.5) / 8)
    assert rows["zero"]["n_eff"] == 4


def test_a_candidate_that_never_forecast_has_no_row():
    result = two()
    result.points["drift"][:] = nan

    names = [row["name"] for row in summary.pool_metrics(result)]

    assert names == ["zero", "mean", "served"]


def test_without_the_mean_there_is_no_skill_against_it():
    points = {"zero": np.zeros((5, 2))}

    (zero, served) = summary.pool_metrics(walk_forward_result(ACTUAL, points, "zero"))

    assert (zero["skill_vs_mean"], served["skill_vs_mean"]) == (None, None)


def test_a_pool_counts_only_sessions_with_a_market():
    # Of thirty tickers a session needs five with an outcome.
    actual = np.full((4, 30), 0.01)
    actual[1, 4:] = nan
    points = {name: np.zeros((4, 30)) for name in ("zero", "mean")}

    zero, *_ = summary.pool_metrics(walk_forward_result(actual, points, "zero"))

    assert (zero["n"], zero["n_eff"]) == (90, 3)


def test_a_pool_without_an_outcome_has_no_rows():
    points = {name: np.zeros((4, 2)) for name in ("zero", "mean")}

    assert summary.pool_metrics(walk_forward_result(np.full((4, 2), nan), points, "zero")) == []


# --- coverage

# Intervals of 50, 80, 90 and 95 % reach to .25, .40, .45 and .475 on either side.
QUANTILES = LEVELS - 0.5


def covered(actual, ticker="A.NS", horizon=1, since=0, sigma=1.0):
    refreshes = (len(actual) - 1) // 10 - since // 10 + 1
    scores = np.broadcast_to(QUANTILES * sigma, (refreshes, 2, len(LEVELS))).copy()
    points = {"zero": np.zeros(actual.shape)}
    result = walk_forward_result(
        actual, points, "zero", horizon=horizon, tickers=TICKERS, scores=scores, since=since
    )
    return {"ticker": summary.coverage(result, ticker), "pool": summary.coverage(result)}


def test_a_tickers_coverage_by_hand():
    # B.NS never holds; A.NS falls within none, 50, 80, 90, 95 % and beyond.
    own = [0.0, -0.3, 0.42, -0.46, 0.5, nan]
    actual = np.column_stack([own, np.full(6, 9.0)])

    found = covered(actual)["ticker"]

    assert (found["n"], found["n_eff"]) == (5, 5)
    assert found["levels"] == {"0.5": 0.2, "0.8": 0.4, "0.9": 0.6, "0.95": 0.8}


def test_the_pools_coverage_is_of_every_fifth_session_of_all_tickers():
    actual = np.full((23, 2), 9.0)
    actual[::5] = 0.0
    actual[10] = nan
    actual[15, 0] = 9.0

    found = covered(actual)["pool"]

    # Sessions 0, 5, 15 and 20: eight outcomes, of which one is outside.
    assert (found["n"], found["n_eff"]) == (8, 4)
    assert found["levels"] == dict.fromkeys(("0.5", "0.8", "0.9", "0.95"), 7 / 8)


def test_coverage_begins_where_distributions_do():
    actual = np.zeros((23, 2))
    actual[:12] = 9.0

    found = covered(actual, since=12)

    assert (found["ticker"]["n"], found["ticker"]["levels"]["0.5"]) == (11, 1.0)
    # Sessions 12, 17 and 22.
    assert (found["pool"]["n"], found["pool"]["levels"]["0.5"]) == (6, 1.0)


@pytest.mark.parametrize(("horizon", "own", "pool"), [(1, 100, 20), (5, 20, 20), (63, 1.6, 1.6)])
def test_outcomes_that_overlap_count_for_less(horizon, own, pool):
    found = covered(np.zeros((100, 2)), horizon=horizon)

    # A hundred sessions, or every fifth of them, in periods that do not overlap.
    assert found["ticker"]["n_eff"] == pytest.approx(own, abs=0.02)
    assert found["pool"]["n_eff"] == pytest.approx(pool, abs=0.02)


@pytest.mark.parametrize("lacking", ["outcomes", "distributions"])
def test_without_outcomes_or_distributions_there_is_no_coverage(lacking):
    actual = np.full((7, 2), nan if lacking == "outcomes" else 0.0)

    found = covered(actual, sigma=nan if lacking == "distributions" else 1.0)

    nothing = {"n": 0, "n_eff": 0, "levels": {}}
    assert found == {"ticker": nothing, "pool": nothing}


# --- all of it


@settings(max_examples=30)
@given(st.integers(0, 2**16), st.integers(1, 40), st.sampled_from([1, 5, 63]))
def test_whatever_is_told_can_be_written_as_json_without_a_number_that_is_none(seed, rows, horizon):
    random = np.random.default_rng(seed)
    actual, *points = (
        np.where(random.random((rows, 2)) < 0.3, nan, random.normal(size=(rows, 2)))
        for _ in range(4)
    )
    names = dict(zip(("zero", "mean", "drift"), points, strict=True))
    result = walk_forward_result(actual, names, "drift", horizon=horizon, tickers=TICKERS)

    summaries = [
        summary.ticker_metrics(result, "A.NS"),
        summary.pool_metrics(result),
        summary.coverage(result, "A.NS"),
        summary.coverage(result),
    ]

    assert json.loads(json.dumps(summaries, allow_nan=False)) == summaries
