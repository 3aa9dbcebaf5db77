"""Probabilities of splits, whatever the fall."""

import datetime as dt
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.data.corporate_actions.price_checks.jumps import SPLITS, Jump
from src.data.corporate_actions.price_checks.split_odds import COUNTS, weigh_splits


def jump(opened, close, volume_change=None):
    calm = [0.0] * 5
    day = dt.date(2026, 2, 2)
    return Jump(day, day + dt.timedelta(1), 100.0, opened, close, 1, calm, calm, volume_change)


FALL = st.floats(0.5, 75.0)


@given(FALL, FALL, st.none() | st.floats(-3.0, 6.0))
def test_each_ratio_has_its_probability_and_something_else_the_rest(opened, close, change):
    weights = weigh_splits(jump(opened, close, change))

    probabilities = [probability for _, probability in weights]
    assert sorted(ratio for ratio, _ in weights) == sorted(SPLITS)
    assert probabilities == sorted(probabilities, reverse=True)
    assert min(probabilities) >= 0
    assert sum(probabilities) < 1


@pytest.mark.parametrize("ratio", COUNTS)
def test_a_ratio_that_occurs_is_the_likeliest_where_the_price_lands(ratio):
    price = 100 / Fraction(ratio)
    # 9:5 lands near 2:1, which is a hundred times as frequent.
    expected = "2" if ratio == "9/5" else ratio

    assert str(weigh_splits(jump(price * 1.01, price))[0][0]) == expected


def test_the_volume_shifts_the_odds_and_never_decides_alone():
    def of_a_halving(change):
        return dict(weigh_splits(jump(50.0, 50.0, change)))[Fraction(2)]

    assert of_a_halving(-0.5) < of_a_halving(None) < of_a_halving(0.7)
    assert of_a_halving(-9.0) > 0.8
    assert of_a_halving(9.0) < 1
