import numpy as np

from src.monitoring.drift.feature_shift import PAST, WINDOW, feature_shift

NAMES = ("momentum", "volatility", "volume")


def inputs(seed, sessions=WINDOW + PAST):
    return np.random.default_rng(seed).normal(size=(sessions, len(NAMES)))


def test_an_input_that_moved_further_than_any_before_is_named():
    means = inputs(1)
    means[-WINDOW:, 1] += 2.0
    measure = feature_shift(NAMES, means, "NSE")
    assert measure.bad
    assert measure.sentence.startswith("Of the inputs of NSE, volatility moved furthest")


def test_it_is_as_rare_as_stated_where_nothing_has_changed():
    found = sum(feature_shift(NAMES, inputs(seed), "NSE").bad for seed in range(400))
    # Once in 24 months is 4.2 %; of 400 independent months that is 17, and 31 is 3.5 errors more.
    assert found <= 31


def test_an_input_that_never_varies_or_is_not_known_says_nothing():
    means = inputs(2)
    means[:, 0] = 3.0
    means[:, 2] = np.nan
    measure = feature_shift(NAMES, means, "NSE")
    assert "volatility moved furthest" in measure.sentence


def test_too_short_a_past_is_neither_good_nor_bad():
    measure = feature_shift(NAMES, inputs(3, sessions=WINDOW + PAST - 1), "NSE")
    assert measure.bad is None
    assert "524 sessions of inputs, 525 are needed" in measure.sentence
    assert feature_shift((), np.empty((0, 0)), "NSE").bad is None
