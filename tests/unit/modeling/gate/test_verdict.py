from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.modeling.gate import verdict as gate
from src.modeling.gate.rules import GateRules, rules_for
from tests.support.gate_outcomes import SHORT, UNIT, WIDE, named, outcomes, skilled, unequal

TINY = GateRules(1, 0.05, 0.0, min_dates=2, min_n_eff=2, max_variance_ratio=1.0)


def test_hand_worked_evidence():
    actual = np.array([[0.02, -0.01], [0.01, -0.02], [0.03, 0.01]])
    ours = np.array([[0.01, 0.01], [0.01, -0.01], [0.01, 0.0]])
    champion = np.full((3, 2), 0.01)

    verdict = gate.judge(actual, ours, champion, sigma=None, rules=TINY)
    value = {one.name: one.value for one in verdict.evidence}

    # Our errors by ticker: .01 0 .02 and .02 .01 .01; zero's .02 .01 .03 and .01 .02 .01;
    # the champion's .01 0 .02 and .02 .03 0. Sums: .07, .10, .08.
    assert value["mae_improvement_vs_zero"] == pytest.approx(0.3)
    assert value["mae_improvement_vs_champion"] == pytest.approx(0.125)
    # The first ticker gains .03 of .06, and 0 of .03 against the champion. Over 1 % of their
    # errors both gains deviate by 0, -1 and 1 times .0001 from their mean: squares of the window
    # sums 2, divided by 3 x 3. At b = 1 the coefficients of .1 % add up to 9.3743. Of the second
    # ticker's gains, which vary 100 times as much, nothing can be said.
    doubt = 9.3743 * 1e-4 * np.sqrt(3 * 2 / 9)
    assert value["worst_ticker_vs_zero"] == pytest.approx((0.03 + doubt) / 0.06, rel=1e-4)
    assert value["worst_ticker_vs_champion"] == pytest.approx(doubt / 0.03, rel=1e-4)
    # The last two dates: ours .04, zero's .07.
    assert value["recent_skill"] == pytest.approx(3 / 7)
    # Squares less n means squared: forecasts .0005 - .03^2/6 = .00035 over outcomes
    # .0020 - .04^2/6 = .001733, of which chance may have added all over three dates.
    assert value["variance_ratio"] == 0
    # Gains by date against zero: 0, .01, .005; deviations from .005 in units of it: -1 1 0. The
    # window of 3 holds everything: its sums -1 0 0 1 0, their squares 2, divided by 3 x 3.
    assert value["t_absolute_vs_zero"] == pytest.approx(1 / np.sqrt(2 / 9 / 3))
    assert (verdict.n, verdict.dates, verdict.n_eff) == (6, 3, 3)


def test_a_challenger_with_skill_everywhere_is_better():
    actual = outcomes()

    verdict = gate.judge(actual, skilled(actual), sigma=None, rules=rules_for(1, 0.0, 3))

    assert verdict.verdict == "better"
    assert all(one.passed for one in verdict.evidence)
    assert verdict.sessions_until_decidable == 0
    assert verdict.configurations == 3
    # It knows exactly 5 % of every outcome.
    assert "5.00 % less than forecasting zero over 600 dates" in verdict.reason


def test_beating_zero_is_not_enough_when_the_champion_does_too():
    actual = outcomes()

    verdict = gate.judge(
        actual, skilled(actual, 0.05), skilled(actual, 0.06), sigma=None, rules=SHORT
    )

    assert verdict.verdict == "worse"
    assert "the champion" in verdict.reason


def test_equal_forecasts_are_undecided():
    actual = outcomes()

    verdict = gate.judge(actual, skilled(actual), skilled(actual), sigma=None, rules=SHORT)

    assert verdict.verdict == "undecided"
    assert "do not differ enough from the champion" in verdict.reason
    assert verdict.sessions_until_decidable is None


def far_worse_ticker(actual, forecast):
    forecast[:, 0] = -forecast[:, 0]
    return forecast


def one_ticker_of_ten_worse(actual, forecast):
    # Significantly, but by less than the limit of one ticker.
    forecast[:, :3] = -0.005 * actual[:, :3]
    return forecast


def faded(actual, forecast):
    forecast[-250:] = -0.005 * actual[-250:]
    return forecast


def swinging(actual, forecast):
    return 0.2 * actual


@pytest.mark.parametrize(
    ("spoil", "failed", "words"),
    [
        (
            far_worse_ticker,
            "worst_ticker_vs_zero",
            "worst ticker, with room for chance, has a skill of -4.",
        ),
        (one_ticker_of_ten_worse, "share_of_tickers_worse_vs_zero", "15.00 % of the tickers"),
        (faded, "recent_skill", "-0.50 %, not above zero"),
        (swinging, "variance_ratio", "with room for chance, at least 3."),
    ],
)
def test_each_single_rule_can_withhold_a_promotion(spoil, failed, words):
    actual = outcomes()

    verdict = gate.judge(actual, spoil(actual, skilled(actual)), sigma=None, rules=SHORT)

    assert verdict.verdict == "undecided"
    assert [one.name for one in verdict.evidence if not one.passed] == [failed]
    assert words in verdict.reason


def test_a_gain_below_the_floor_is_not_worth_a_change():
    actual = outcomes()

    verdict = gate.judge(
        actual, skilled(actual, 0.005), sigma=None, rules=replace(SHORT, min_mae_improvement=0.01)
    )

    assert verdict.verdict == "undecided"
    assert "0.50 %, less than the required 1.00 %" in verdict.reason
    assert verdict.sessions_until_decidable is None


def test_the_reverse_of_skill_is_worse():
    actual = outcomes()

    verdict = gate.judge(actual, -skilled(actual), sigma=None, rules=SHORT)

    assert verdict.verdict == "worse"
    assert "more than forecasting zero" in verdict.reason


def wild_at_times(actual):
    """Smaller absolute errors nearly always, a much larger one once in 100 sessions."""
    forecast = skilled(actual)
    forecast[::100] = -2.5 * actual[::100]
    return forecast


def test_forecasts_that_err_rarely_but_wildly_are_not_better():
    actual = outcomes(1000)

    verdict = gate.judge(actual, wild_at_times(actual), sigma=None, rules=SHORT)

    # A gain of 5 % on 99 of 100 less 2.5 times the outcome once: .0245 of it. Squared, 9.75 %
    # on 99 of 100 less 3.5^2 - 1 once: a loss.
    assert named(verdict, "t_absolute_vs_zero").passed
    assert not named(verdict, "t_squared_vs_zero").passed
    assert verdict.verdict == "undecided"


def test_forecasts_that_err_rarely_but_wildly_are_never_served():
    actual = outcomes(1000)
    # Nothing but the squared losses speaks against it.
    rules = replace(SHORT, max_variance_ratio=1.0, max_share_worse=1.0, worst_ticker=-1.0)

    told = gate.replay(actual, wild_at_times(actual), sigma=None, rules=rules)

    assert not told.promoted.any()


@pytest.mark.parametrize("horizon", [1, 63])
@pytest.mark.parametrize("dates", [0, 1, 2, 100, 249])
def test_too_few_outcomes_are_a_verdict_and_no_error(horizon, dates):
    actual = outcomes(dates)
    rules = rules_for(horizon, 0.0)

    verdict = gate.judge(actual, skilled(actual), sigma=None, rules=rules)

    assert verdict.verdict == "undecided"
    assert f"a verdict needs {rules.dates_needed} dates" in verdict.reason
    assert verdict.sessions_until_decidable >= rules.dates_needed - dates
    assert verdict.n_eff == dates / horizon


def test_outcomes_that_are_all_missing_are_too_few():
    actual = np.full((400, 3), np.nan)

    assert gate.judge(actual, np.zeros((400, 3)), sigma=None, rules=SHORT).verdict == "undecided"


def test_a_champion_that_forecasts_zero_is_zero():
    actual = outcomes(300)

    assert gate.judge(
        actual, skilled(actual), np.zeros_like(actual), sigma=None, rules=SHORT
    ) == gate.judge(actual, skilled(actual), sigma=None, rules=SHORT)


def test_skill_that_the_most_volatile_tickers_hide_is_found_in_units_of_volatility():
    actual, forecast, sigma = unequal()

    before = gate.judge(actual, forecast, sigma=None, rules=rules_for(1, 0.0, 54))
    now = gate.judge(actual, forecast, sigma=sigma, rules=WIDE)

    assert (before.verdict, now.verdict) == ("undecided", "better")
    assert named(now, "t_absolute_vs_zero").value < 3.1
    assert named(now, "t_encompassing_squared_vs_zero").value > 5
    assert {one.name: one.limit for one in now.evidence}["t_squared_vs_zero"] < 1.8


def test_knowledge_that_costs_more_than_it_gains_is_not_served():
    actual, forecast, sigma = unequal()

    verdict = gate.judge(actual, 3 * forecast, sigma=sigma, rules=WIDE)

    assert named(verdict, "t_encompassing_squared_vs_zero").passed
    assert not named(verdict, "t_squared_vs_zero").passed
    assert verdict.verdict != "better"


def test_what_is_served_is_demoted_at_five_percent_whatever_was_tried():
    random = np.random.default_rng(4)
    actual = random.normal(0, 0.02, (600, 20))
    forecast = random.normal(0, 0.0009, actual.shape)

    strict = gate.judge_served(actual, forecast, sigma=None, rules=rules_for(1, 0.0, 54))
    now = gate.judge_served(actual, forecast, sigma=UNIT, rules=WIDE)

    assert (strict.verdict, now.verdict) == ("undecided", "worse")


def changing_skill(dates, turn, seed=3):
    actual = outcomes(dates, 10, seed)
    forecast = skilled(actual)
    forecast[turn:] = -forecast[turn:]
    return actual, forecast


def test_zero_is_served_until_the_evidence_is_there_and_again_when_it_has_turned():
    actual, forecast = changing_skill(1500, turn=700)

    told = gate.replay(actual, forecast, sigma=None, rules=SHORT, every=10)

    first, last = np.flatnonzero(told.promoted)[[0, -1]]
    # 250 labels are realised at row 250; it is asked at rows 9, 19, ...
    assert first == 259
    # Of the latest 500 rows more than half are harm only from row 950 on, and all at 1200.
    assert 950 < last < 1200
    assert told.promoted[first : last + 1].all()
    np.testing.assert_array_equal(told.served[told.promoted], forecast[told.promoted])
    assert not told.served[~told.promoted].any()


def test_after_a_demotion_only_forecasts_made_since_count():
    actual, forecast = changing_skill(3000, turn=700)
    forecast[1400:] = skilled(actual)[1400:]

    told = gate.replay(actual, forecast, sigma=None, rules=SHORT, every=10)

    changes = np.flatnonzero(np.diff(told.promoted.astype(int))) + 1
    assert len(changes) == 3
    # At least 250 dates after the demotion at changes[1].
    assert changes[2] >= changes[1] + 250


def test_who_is_served_is_worse_as_soon_as_its_latest_forecasts_are():
    actual, forecast = changing_skill(1500, turn=700)

    before = gate.judge_served(actual[:900], forecast[:900], sigma=None, rules=SHORT, since=259)
    after = gate.judge_served(actual[:1250], forecast[:1250], sigma=None, rules=SHORT, since=259)

    assert before.verdict == "undecided"
    assert after.verdict == "worse"
    # Twice 250 dates.
    assert after.dates == 500


def test_a_replayed_promotion_is_at_the_first_look_whose_realised_rows_are_better():
    world = outcomes(900, 8, seed=5)
    forecast = skilled(world, 0.012) + np.random.default_rng(6).normal(0, 5e-4, world.shape)

    replayed = gate.replay(world, forecast, sigma=None, rules=SHORT, every=21)
    looks = range(20, 900, 21)
    better = (
        row
        for row in looks
        if gate.judge(world[:row], forecast[:row], sigma=None, rules=SHORT).verdict == "better"
    )

    assert np.flatnonzero(replayed.promoted)[0] == next(better) > 250


@pytest.mark.parametrize("horizon", [1, 63])
@settings(max_examples=25)
@given(cut=st.integers(1, 899), seed=st.integers(0, 9))
def test_nothing_after_a_row_changes_what_was_said_or_served_by_then(horizon, cut, seed):
    actual, forecast = changing_skill(900, turn=600, seed=seed)
    rules = rules_for(horizon, 0.0)
    random = np.random.default_rng(seed)
    # The labels of the last rows before the cut end after it.
    later, other = actual.copy(), forecast.copy()
    later[max(cut + 1 - horizon, 0) :] = random.normal(
        0, 0.3, later[max(cut + 1 - horizon, 0) :].shape
    )
    other[cut + 1 :] = np.nan

    one = gate.replay(actual, forecast, sigma=None, rules=rules, every=7)
    two = gate.replay(later, other, sigma=None, rules=rules, every=7)
    short = gate.replay(later[: cut + 1], other[: cut + 1], sigma=None, rules=rules, every=7)

    for told in (two, short):
        np.testing.assert_array_equal(told.promoted[: cut + 1], one.promoted[: cut + 1])
        np.testing.assert_array_equal(told.served[: cut + 1], one.served[: cut + 1])
