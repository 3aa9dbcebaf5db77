from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm

from src.modeling.evaluation import hac
from src.modeling.gate import panel_tests
from src.modeling.gate import verdict as gate
from src.modeling.gate.rules import rules_for
from tests.support.gate_outcomes import SHORT, WIDE, named, outcomes, skilled


def test_each_date_counts_once_however_many_tickers_it_has():
    actual = outcomes(300, 2)
    forecast = skilled(actual)
    actual[:150, 1] = np.nan
    per_date = np.nanmean(np.abs(actual) - np.abs(actual - forecast), axis=1)

    verdict = gate.judge(actual, forecast, sigma=None, rules=SHORT)

    assert named(verdict, "t_absolute_vs_zero").value == pytest.approx(
        float(hac.mean_test(per_date, 1).t)
    )


def test_swapping_challenger_and_champion_turns_the_sign():
    actual = outcomes(300)
    one, other = skilled(actual, 0.05), skilled(actual, 0.02)

    there, back = (
        gate.judge(actual, one, other, sigma=None, rules=SHORT),
        gate.judge(actual, other, one, sigma=None, rules=SHORT),
    )

    for name in ("t_absolute_vs_champion", "t_squared_vs_champion"):
        assert named(there, name).value == pytest.approx(-named(back, name).value)


def test_waiting_is_for_the_slowest_of_four_measures():
    # Losses pass 5 % long before encompassing passes .1 %.
    tests = panel_test([[0.2, 0.2, 0.1, 0.15]], np.ones((1, 4)), 400)

    wait = panel_tests.sessions_until_decidable(tests, WIDE)

    def strictest(n):
        b = (int(1.3 * n**0.5) + 1) / n
        return 3.090232 + 7.9671 * b - 0.2978 * b**2 - 1.3852 * b**3

    assert 0.1 * (400 + wait) ** 0.5 > strictest(400 + wait)
    assert 0.1 * (400 + wait - 1) ** 0.5 <= strictest(400 + wait - 1)


def test_waiting_for_worse_asks_the_losses_alone():
    tests = panel_test([[-0.5, -0.5, 0.3, -0.3]], np.ones((1, 4)), 400)

    assert panel_tests.sessions_until_decidable(tests, WIDE) == 0


def panel_test(means, noises, n, b=0.05):
    means, noises = np.array(means), np.array(noises)
    t = means / noises * np.sqrt(n)
    return hac.MeanTest(means, noises, t, np.array([[n]]), np.array([[b]]))


def limit(n):
    """The 5 % limit of a one-session horizon, written out again."""
    b = (int(1.3 * n**0.5) + 1) / n
    return 1.644854 + 2.1859 * b + 0.3142 * b**2 - 0.3427 * b**3


def test_a_record_longer_than_forty_years_still_has_an_answer():
    tests = panel_test([[1e-4, 1e-4]], [[1.0, 1.0]], 12_000)

    assert panel_tests.sessions_until_decidable(tests, SHORT) is None


@pytest.mark.parametrize("sign", [1, -1])
def test_waiting_ends_when_the_slower_loss_passes_its_limit(sign):
    # t of .05 sqrt(n) and .04 sqrt(n).
    tests = panel_test([[sign * 0.05, sign * 0.04]], [[1.0, 1.0]], 400)

    wait = panel_tests.sessions_until_decidable(tests, SHORT)

    assert wait > 0
    assert 0.04 * (400 + wait) ** 0.5 > limit(400 + wait)
    assert 0.04 * (400 + wait - 1) ** 0.5 <= limit(400 + wait - 1)


@pytest.mark.parametrize(
    "means", [[[0.05, -0.05]], [[0.0, 0.0]], [[1e-9, 1e-9]], [[0.5, 0.5], [0.5, -0.5]]]
)
def test_waiting_never_ends_without_a_direction_or_an_effect(means):
    tests = panel_test(means, np.ones_like(means), 400)

    assert panel_tests.sessions_until_decidable(tests, SHORT) is None


def test_waiting_is_at_least_for_the_dates_that_lack():
    assert panel_tests.sessions_until_decidable(panel_test([[9, 9]], [[1, 1]], 90), SHORT) == 160


def test_waiting_for_worse_needs_one_reference_only():
    tests = panel_test([[0.5, 0.5], [-0.5, -0.5]], np.ones((2, 2)), 400)

    assert panel_tests.sessions_until_decidable(tests, SHORT) == 0


@pytest.mark.parametrize("horizon", [1, 40])
def test_the_range_of_a_skill_is_that_of_the_differences_that_were_tested(horizon):
    random = np.random.default_rng(5)
    actual = random.normal(0, 0.01, (300, 1))
    points = 0.1 * actual + random.normal(0, 0.002, (300, 1))
    rules = replace(rules_for(horizon, 0.0), min_dates=100)

    verdict = gate.judge(actual, points, sigma=None, rules=rules)

    saved = (np.abs(actual) - np.abs(actual - points))[:, 0]
    lags = max(int(1.3 * np.sqrt(300)), horizon - 1)
    fit = sm.OLS(saved, np.ones(300)).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False}
    )
    b = (lags + 1) / 300
    half = (1.959964 + 2.9694 * b + 0.4160 * b**2 - 0.5324 * b**3) * fit.bse[0]
    assert verdict.skill_range == pytest.approx(
        tuple((fit.params[0] + side * half) / np.abs(actual).mean() for side in (-1, 1))
    )
    assert (verdict.skill_range[0] > 0) == (
        named(verdict, "t_absolute_vs_zero").value > half / fit.bse[0]
    )


def test_no_range_is_known_of_too_few_dates_or_of_forecasts_that_equal_zero():
    actual = outcomes(300)

    few = gate.judge(actual[:249], skilled(actual[:249], 0.01), sigma=None, rules=SHORT)
    same = gate.judge(actual, 0 * actual, sigma=None, rules=SHORT)

    assert (few.skill_range, same.skill_range) == (None, None)
