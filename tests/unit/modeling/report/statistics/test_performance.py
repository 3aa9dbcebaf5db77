"""Scores of a horizon over time and by ticker, against statsmodels and by hand."""

import numpy as np
import pytest
import statsmodels.api as sm

from src.modeling.report.statistics.performance import Evidence, performance
from src.modeling.report.statistics.rolling import rolling_skill


def losses(rows=300, tickers=4, seed=2):
    random = np.random.default_rng(seed)
    actual = random.normal(0, 0.02, (rows, tickers))
    return np.abs(actual - 0.1 * actual - random.normal(0, 0.004, actual.shape)), np.abs(actual)


@pytest.mark.parametrize("horizon", [1, 10])
def test_the_last_window_is_that_of_statsmodels_and_says_what_it_rests_on(horizon):
    errors, reference = losses()
    errors[-1, 0] = np.nan  # a forecast that was not made

    rolled = rolling_skill(errors, reference, horizon, 200, 0.025)

    both = np.where(np.isfinite(errors), reference, np.nan)
    gains = np.nanmean(both - errors, axis=1)[-200:]
    scale = np.nanmean(both, axis=1)[-200:].mean()
    fit = sm.OLS(gains, np.ones(200)).fit(
        cov_type="HAC", cov_kwds={"maxlags": 18, "use_correction": False}
    )
    b = 19 / 200
    half = (1.959964 + 2.9694 * b + 0.4160 * b**2 - 0.5324 * b**3) * fit.bse[0]
    assert rolled.value[-1] == pytest.approx(fit.params[0] / scale)
    assert rolled.low[-1] == pytest.approx((fit.params[0] - half) / scale)
    assert rolled.high[-1] == pytest.approx((fit.params[0] + half) / scale)
    assert rolled.n_eff[-1] == 200 / horizon
    # Before four periods there is a value without a range.
    few = 4 * horizon - 2
    assert np.isfinite(rolled.value[few])
    assert np.isnan(rolled.low[few])
    assert np.isfinite(rolled.low[few + 1])


def test_sessions_without_an_outcome_are_left_out():
    errors, reference = losses(rows=10)
    errors[3] = np.nan

    rolled = rolling_skill(errors, reference, 1, 5, 0.025)

    assert rolled.rows.tolist() == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    kept = [5, 6, 7, 8, 9]
    expected = 1 - errors[kept].mean(axis=1).sum() / reference[kept].mean(axis=1).sum()
    assert rolled.value[-1] == pytest.approx(expected)


def evidence():
    actual = np.array([[0.01, 0.02], [-0.02, np.nan], [0.03, -0.01]])
    half = np.full_like(actual, 0.015)
    model = np.array([[0.01, 0.01], [0.0, 0.0], [0.01, np.nan]])
    return Evidence(
        horizon=1,
        sessions=np.array(["2026-04-15", "2026-04-16", "2026-04-17"], dtype="datetime64[D]"),
        tickers=("A.NS", "B.NS"),
        actual=actual,
        points={"zero": np.zeros_like(actual), "ridge": model, "rare": np.where(half, model, 0)},
        bounds={0.8: (-half, half)},
        main="ridge",
        compared=("zero", "ridge"),
    )


def test_models_that_are_compared_are_scored_on_the_same_pairs():
    zero, ridge, _ = performance(evidence()).models

    # B has no forecast of the last session: its outcome counts for neither.
    assert zero.mae == pytest.approx((0.01 + 0.02 + 0.02 + 0.03) / 4)
    assert ridge.mae == pytest.approx((0 + 0.01 + 0.02 + 0.02) / 4)
    assert ridge.rmse == pytest.approx(np.sqrt((0.01**2 + 0.02**2 + 0.02**2) / 4))
    # Each session counts once: errors .005, .02 and .02 against .015, .02 and .03.
    assert ridge.absolute.value == pytest.approx(1 - 0.045 / 0.065)
    assert ridge.absolute.n == zero.absolute.n == 4


def test_tickers_stand_alone_and_one_has_no_board():
    scores = performance(evidence())

    first, second = scores.tickers
    assert first.gain.value == pytest.approx(1 - 0.04 / 0.06)
    assert second.gain.value == pytest.approx(0.5)
    assert (first.held.value, second.held.value) == (pytest.approx(1 / 3), 0.5)
    assert scores.coverage[0.8].value == pytest.approx(2 / 5)
    alone = performance(evidence().of("B.NS"))
    assert alone.tickers == ()
    assert alone.models[1].mae == pytest.approx(0.01)
    assert performance(evidence().of("C.NS")).models == ()
