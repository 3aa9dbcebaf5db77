import numpy as np
import pytest

from src.monitoring.drift.daily import DailyOutcomes
from src.monitoring.drift.measures import Window, coverage, skill

MONTHS = Window("coverage", 63, 0.001, 0.02)
YEAR = Window("coverage_year", 250, 0.01, 0.02)
SKILL = Window("skill", 125, 0.05, 0.0)


def days_of(tickers, inside, days, seed, common=0.0):
    """Share of tickers inside each day; with ``common``, whole days are in or out together."""
    chance = np.random.default_rng(seed)
    rate = np.clip(inside + common * chance.choice([-1, 1], days), 0, 1)
    share = chance.binomial(tickers, rate) / tickers
    return DailyOutcomes(share, np.zeros((days, 2)))


@pytest.mark.parametrize("window", [MONTHS, YEAR])
@pytest.mark.parametrize("inside", [0.8, 0.99])
def test_intervals_that_contain_another_share_are_found(window, inside):
    measure = coverage(days_of(100, inside, 260, seed=1), window, 1, "NSE")
    assert measure.bad
    assert measure.value == pytest.approx(inside, abs=0.02)
    assert "more than chance explains" in measure.sentence


@pytest.mark.parametrize("window", [MONTHS, YEAR])
def test_intervals_that_keep_their_promise_are_left_alone(window):
    bad = [
        coverage(days_of(100, 0.9, window.days, seed, common=0.05), window, 1, "NSE").bad
        for seed in range(300)
    ]
    assert sum(bad) <= 6


def test_intervals_that_always_contain_everything_are_too_wide():
    always = DailyOutcomes(np.ones(63), np.zeros((63, 2)))
    measure = coverage(always, MONTHS, 1, "NSE")
    assert measure.bad
    assert measure.value == pytest.approx(1.0)
    assert measure.t is None


def test_a_small_distance_is_no_fault_however_sure_it_is():
    steady = DailyOutcomes(np.tile([0.914, 0.916], 125), np.zeros((250, 2)))
    measure = coverage(steady, YEAR, 1, "NSE")
    assert measure.t > measure.limit_t
    assert not measure.bad


def test_too_few_days_are_neither_good_nor_bad():
    for measure in (
        coverage(days_of(10, 0.5, 62, seed=1), MONTHS, 1, "NSE at 1 session"),
        skill(days_of(10, 0.5, 124, seed=1), SKILL, 1, "NSE at 1 session"),
    ):
        assert measure.bad is None
        assert measure.value is None
    assert measure.sentence == (
        "NSE at 1 session: 124 sessions with outcomes, 125 are needed for a test."
    )


def losses(absolute, squared, seed=3):
    noise = np.random.default_rng(seed).normal(size=(125, 2))
    return DailyOutcomes(np.ones(125), np.array([absolute, squared]) + noise * [1e-4, 1e-5])


def test_a_model_that_loses_on_both_losses_is_found():
    measure = skill(losses(-1e-4, -1e-5), SKILL, 1, "NSE at 1 session")
    assert measure.bad
    assert "larger than those of no change over 125 sessions, more than chance" in measure.sentence


@pytest.mark.parametrize(("absolute", "squared"), [(-1e-4, 1e-5), (1e-4, -1e-5), (1e-4, 1e-5)])
def test_a_model_that_wins_on_one_loss_is_left_alone(absolute, squared):
    assert skill(losses(absolute, squared), SKILL, 1, "NSE").bad is False


def test_forecasting_no_change_is_never_worse_than_no_change():
    zero = DailyOutcomes(np.ones(125), np.zeros((125, 2)))
    measure = skill(zero, SKILL, 1, "NSE")
    assert (measure.bad, measure.value) == (False, 0.0)
