from dataclasses import replace

import numpy as np
import pytest

from src.modeling.gate.panel_tests import limits_for_better
from src.modeling.trials.judging.judge import judge_trial, session_losses, trial_rules
from tests.support.gate_outcomes import outcomes, skilled, unequal

RULES = trial_rules(1, smallest_effect=0.005, max_sessions=1260, tickers=10)


def judged(actual, challenger, reference=None, rules=RULES):
    return judge_trial(actual, challenger, reference, None, rules)


def noise(actual, share, seed=9):
    return share * 0.02 * np.random.default_rng(seed).standard_normal(actual.shape)


def test_an_oracle_is_better_than_zero_and_its_inverse_worse():
    actual = outcomes()

    oracle, inverse = judged(actual, skilled(actual)), judged(actual, -skilled(actual))

    assert oracle.verdict == "better"
    assert "has been better so far, its errors 5.00 % smaller than with forecasting zero" in (
        oracle.reason
    )
    assert inverse.verdict == "worse"
    assert "erred more than forecasting zero so far, over 600 sessions" in inverse.reason
    assert (oracle.sessions_needed, inverse.sessions_needed) == (0, 0)


def test_an_oracle_is_better_than_the_live_model():
    actual = outcomes()

    verdict = judged(actual, skilled(actual, 0.08), skilled(actual, 0.03))

    assert verdict.verdict == "better"
    # .97 and .92 of every outcome are left.
    assert verdict.gain == pytest.approx(0.05 / 0.97)
    assert verdict.scale == pytest.approx(0.97 * np.abs(actual).mean())
    assert "than with the live model" in verdict.reason


@pytest.mark.parametrize("live", [0.0, 0.05, -0.05])
def test_a_copy_of_the_reference_is_equivalent(live):
    actual = outcomes()

    verdict = judged(actual, skilled(actual, live), skilled(actual, live))

    assert verdict.verdict == "equivalent"
    assert "as good as the live model so far" in verdict.reason


@pytest.mark.parametrize("live", [0.0, 0.05, -0.05])
def test_a_copy_never_ends_otherwise(live):
    actual = outcomes()

    for end in range(0, 600, 50):
        part = skilled(actual[:end], live)
        assert judged(actual[:end], part, part).verdict in ("equivalent", "undecided")


@pytest.mark.parametrize("rows", [0, 10, 600])
def test_no_data_is_undecided(rows):
    nothing = np.full((rows, 3), np.nan)

    verdict = judged(nothing, nothing, nothing)

    assert verdict.verdict == "undecided"
    assert verdict.reason == "Undecided: 0 sessions have outcomes, a verdict needs 250."
    assert verdict.gain is verdict.scale is None
    assert verdict.sequence.mean.shape == (rows,)


def test_forecasts_too_small_to_matter_are_equivalent_to_zero():
    actual = outcomes()

    verdict = judged(actual, noise(actual, 0.001))

    assert verdict.verdict == "equivalent"
    assert "surely smaller than the 0.50 % that matters" in verdict.reason


def test_a_gain_that_is_sure_but_does_not_matter_is_equivalent():
    actual = outcomes()

    verdict = judged(actual, skilled(actual, 0.004))

    assert verdict.gate.sessions_until_decidable in (0, None)
    assert verdict.verdict == "equivalent"


def test_the_installation_may_ask_for_a_larger_gain():
    rules = trial_rules(1, smallest_effect=0.005, max_sessions=1260, min_mae_improvement=0.06)
    actual = outcomes()

    verdict = judged(actual, skilled(actual), rules=rules)

    assert verdict.verdict == "undecided"
    assert "its gain on forecasting zero is 5.00 %, less than the required 6.00 %" in verdict.reason


def undecided():
    """A little skill under much noise of one ticker, after a year."""
    actual = outcomes(dates=300, tickers=1)
    return actual, skilled(actual, 0.02) + noise(actual, 0.1, seed=4)


def test_an_undecided_trial_says_how_long_it_would_take():
    verdict = judged(*undecided())

    assert verdict.verdict == "undecided"
    assert verdict.sessions_needed > 0
    assert f"at this effect about {verdict.sessions_needed:,} more sessions" in verdict.reason


def test_a_trial_runs_out_at_its_length():
    actual, challenger = undecided()

    over = judged(actual, challenger, rules=replace(RULES, max_sessions=300))
    going = judged(actual, challenger, rules=replace(RULES, max_sessions=301))

    assert over.verdict == "ran_out"
    assert over.reason.startswith("Ran out undecided: it has been ")
    assert going.verdict == "undecided"


def test_a_trial_shorter_than_a_verdict_needs_runs_out():
    actual = outcomes(dates=100)

    verdict = judged(actual, skilled(actual), rules=replace(RULES, max_sessions=100))

    assert verdict.verdict == "ran_out"


def half_silent(actual, share, *, first):
    """A live model that serves zero in one half of the sessions."""
    live, half = skilled(actual, share), len(actual) // 2
    live[(slice(half) if first else slice(half, None))] = 0.0
    return live


def test_beating_the_silence_of_a_live_model_that_speaks_now_is_not_enough():
    actual = outcomes()
    live = half_silent(actual, 0.05, first=True)

    verdict = judged(actual, skilled(actual, 0.05), live)

    # Over all sessions it is as far ahead as zero was served; where the model spoke they are equal.
    assert verdict.gate.verdict == "better"
    assert verdict.verdict == "undecided"
    assert "where the live model spoke, in 300 of them, it is undecided" in verdict.reason


def test_it_must_beat_the_live_model_where_that_spoke():
    actual = outcomes()
    live = half_silent(actual, 0.03, first=True)

    assert judged(actual, skilled(actual, 0.08), live).verdict == "better"


def test_a_live_model_that_fell_silent_is_replaced_by_what_beats_zero():
    actual = outcomes()
    live = half_silent(actual, 0.05, first=False)

    assert judged(actual, skilled(actual, 0.05), live).verdict == "better"


@pytest.mark.parametrize(("share", "ending"), [(-0.05, "better"), (0.05, "worse")])
def test_zero_can_challenge_the_live_model(share, ending):
    actual = outcomes()

    verdict = judged(actual, np.zeros_like(actual), skilled(actual, share))

    assert verdict.verdict == ending
    assert "the live model" in verdict.reason
    assert {each.name.partition("_vs_")[2] for each in verdict.gate.evidence} == {"champion", ""}
    # Of the live model's errors: 1.05 and .95 of every outcome.
    assert verdict.gain == pytest.approx(1 - 1 / (1 - share))


def test_losses_are_means_over_the_tickers_of_a_session():
    actual = np.array([[0.02, -0.01], [0.01, np.nan], [np.nan, np.nan]])
    challenger = np.array([[0.01, -0.01], [0.03, 0.01], [0.0, 0.0]])
    reference = np.zeros((3, 2))

    differences, losses = session_losses(actual, challenger, reference, "absolute")
    squared, _ = session_losses(actual, challenger, reference, "squared")

    # Errors .01 and 0 against .02 and .01; .02 against .01.
    assert differences == pytest.approx([0.01, -0.01, np.nan], nan_ok=True)
    assert losses == pytest.approx([0.015, 0.01, np.nan], nan_ok=True)
    assert squared == pytest.approx([(5e-4 - 1e-4) / 2, -3e-4, np.nan], nan_ok=True)


def test_the_loss_of_the_sequence_is_the_registered_one():
    actual = outcomes()
    rules = trial_rules(1, smallest_effect=0.005, max_sessions=1260, tickers=10, loss="squared")

    verdict = judged(actual, skilled(actual), rules=rules)

    # (1 - .95^2) of every squared outcome.
    assert verdict.gain == pytest.approx(0.0975)
    assert verdict.sequence.mean[-1] == pytest.approx(0.0975 * np.mean(actual**2))


def test_a_large_pool_is_judged_in_units_of_volatility():
    actual, challenger, sigma = unequal()
    rules = trial_rules(1, smallest_effect=0.0001, max_sessions=1260, tickers=20)

    verdict = judge_trial(actual, challenger, None, sigma, rules)

    assert verdict.verdict == "better"
    with pytest.raises(ValueError, match="volatility"):
        judge_trial(actual, challenger, None, None, rules)


def test_more_configurations_ask_for_more():
    few, some, many = (
        trial_rules(63, smallest_effect=0.01, max_sessions=1260, configurations=tried).gate.level
        for tried in (1, 11, 51)
    )

    # Half of the gate's 5 %, because it is asked at every look.
    assert (few, some, many) == (0.025, 0.01, 0.001)


def test_a_look_before_the_last_asks_for_more():
    rules = trial_rules(63, smallest_effect=0.01, max_sessions=1260).gate

    first, last = limits_for_better(np.array([315, 1260]), np.array([0.1, 0.1]), rules)[:, 0]

    assert first == pytest.approx(2 * last)


def test_worse_is_asked_of_the_sequence_too():
    actual = outcomes(dates=300, tickers=1)
    challenger = skilled(actual, -0.003) + noise(actual, 0.1)

    verdict = judged(actual, challenger)

    # By the gate's 2.5 % it is worse, by the sequence that could be chance.
    assert verdict.gate.verdict == "worse"
    assert verdict.sequence.high[-1] > 0
    assert verdict.verdict == "undecided"


def test_a_challenger_that_is_worse_than_zero_is_no_worse_than_a_live_model_that_is_too():
    actual = outcomes()
    bad = skilled(actual, -0.05) + noise(actual, 0.1, seed=5)

    verdict = judged(actual, skilled(actual, -0.05) + noise(actual, 0.1, seed=6), bad)

    assert verdict.gate.verdict == "worse"
    assert verdict.verdict in ("equivalent", "undecided")


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="matrices of one shape"):
        judged(np.zeros((3, 2)), np.zeros((3, 1)))
