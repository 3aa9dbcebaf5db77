import numpy as np
import pytest
import statsmodels.api as sm

from src.modeling.gate import verdict as gate
from tests.support.gate_outcomes import LONG, SHORT, named


def centred_noise(spread, seed=7):
    noise = np.random.default_rng(seed).normal(0, spread, 600)
    return noise - noise.mean()


def hac_error(noise, lags):
    fit = sm.OLS(noise, np.ones(len(noise))).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False}
    )
    return fit.bse[0]


def one_ticker_with(t, skill, lags=31, tickers=10):
    """600 returns of .02 either way; the first ticker's t of its gain over a skill is ``t``.

    All others gain 2 %. Returned with the error of the first one's mean skill.
    """
    actual = 0.02 * np.random.default_rng(8).choice([-1.0, 1.0], (600, tickers))
    noise = centred_noise(0.01)
    error = hac_error(noise, lags)
    share = np.full((600, tickers), 0.02)
    share[:, 0] = skill + noise + t * error
    return actual, share * actual, error


@pytest.mark.parametrize(
    ("rules", "lags", "t", "worse"),
    [(SHORT, 31, -1.7, 0), (SHORT, 31, -1.8, 0.1), (LONG, 62, -2.7, 0), (LONG, 62, -2.8, 0.1)],
)
def test_a_ticker_is_worse_at_five_percent_or_over_few_periods_at_one(rules, lags, t, worse):
    # 600 periods, b = 32/600: 1.6449 + 2.1859 b + .3142 b^2 - .3427 b^3 = 1.7623.
    # 9.5 periods, b = 63/600: 2.3263 + 4.1299 b + .4165 b^2 - .8336 b^3 = 2.7636.
    actual, forecast, _ = one_ticker_with(t, skill=0.0, lags=lags)

    share = named(
        gate.judge(actual, forecast, sigma=None, rules=rules), "share_of_tickers_worse_vs_zero"
    )

    assert (share.value, share.passed) == (worse, not worse)


@pytest.mark.parametrize(("t", "passes"), [(-3.4, True), (-3.6, False)])
def test_the_worst_ticker_is_refused_only_when_it_is_surely_below_its_limit(t, passes):
    # With 32 of 600: 3.0902 + 7.9671 b - .2978 b^2 - 1.3852 b^3 = 3.5141.
    actual, forecast, error = one_ticker_with(t, skill=-0.01)

    worst = named(gate.judge(actual, forecast, sigma=None, rules=SHORT), "worst_ticker_vs_zero")

    assert worst.passed is passes
    assert worst.value == pytest.approx(-0.01 + (t + 3.5141) * error, abs=1e-6)


@pytest.mark.parametrize(("t", "passes"), [(2.5, True), (2.6, False)])
def test_the_size_of_forecasts_is_refused_only_when_surely_above_its_limit(t, passes):
    # Two tickers that mirror each other around a mean: the squared deviations of the forecasts
    # are 1 % of the outcomes' and t errors more; 1 % with 32 of 600 is 2.5477.
    noise = centred_noise(2e-7)
    error = hac_error(noise, lags=31)
    swing = 0.02 + 0.005 * np.sin(np.arange(600))
    size = np.sqrt(0.01 * swing**2 + noise + t * error)
    mirror = np.array([1.0, -1.0])

    verdict = gate.judge(
        0.005 + swing[:, None] * mirror, 0.01 + size[:, None] * mirror, sigma=None, rules=SHORT
    )
    found = named(verdict, "variance_ratio")

    assert found.passed is passes
    expected = 0.01 + (t - 2.5477) * error / (swing**2).mean()
    assert found.value == pytest.approx(expected, abs=1e-7)
