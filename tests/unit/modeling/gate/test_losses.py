import numpy as np
import pytest

from src.modeling.evaluation import hac
from src.modeling.gate import losses
from src.modeling.gate import verdict as gate
from tests.support.gate_outcomes import SHORT, UNIT, WIDE, outcomes, skilled


def test_matrices_of_different_shapes_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        gate.judge(np.zeros((5, 2)), np.zeros((5, 3)), sigma=None, rules=SHORT)


def test_a_missing_cell_is_no_pair_whoever_lacks_it():
    actual = outcomes(300, 4)
    ours, champion = skilled(actual), skilled(actual, 0.01)
    holed = [one.copy() for one in (actual, ours, champion)]
    holed[0][3, 0] = holed[1][4, 1] = holed[2][5, 2] = np.nan
    every = [one.copy() for one in holed]
    for one in every:
        one[3, 0] = one[4, 1] = one[5, 2] = np.nan

    verdict = gate.judge(*holed, sigma=None, rules=SHORT)

    assert verdict.n == 1197
    assert verdict == gate.judge(*every, sigma=None, rules=SHORT)


def test_encompassing_by_hand():
    actual = np.array([[0.02, -0.01], [0.01, -0.02], [0.03, 0.01]])
    ours = np.array([[0.01, 0.01], [0.01, -0.01], [0.01, 0.0]])
    champion = np.full((3, 2), 0.01)
    sigma = np.array([[0.01, 0.02], [0.01, 0.01], [0.02, 0.01]])

    cumulative = losses.cumulate_losses(actual, ours, champion, sigma=sigma)

    gains = np.diff(cumulative.panel.values, axis=0)
    assert cumulative.measures[2:] == ("encompassing_absolute", "encompassing_squared")
    # Against zero u is 1 .5 | 1 -1 | .5 0 and z is 2 -.5 | 1 -2 | 1.5 1.
    np.testing.assert_allclose(gains[:, 0, 2], [(1 - 0.5) / 2, (1 + 1) / 2, 0.5 / 2])
    np.testing.assert_allclose(gains[:, 0, 3], [(2 - 0.25) / 2, (1 + 2) / 2, 0.75 / 2])
    # Against the champion u is 0 0 | 0 -2 | 0 -1 and z is 1 -1 | 0 -3 | 1 0.
    np.testing.assert_allclose(gains[:, 1, 2], [0, 2 / 2, 0])
    np.testing.assert_allclose(gains[:, 1, 3], [0, 6 / 2, 0])
    # The losses are what they are without volatilities.
    plain = losses.cumulate_losses(actual, ours, champion)
    np.testing.assert_array_equal(cumulative.panel.values[..., :2], plain.panel.values)


@pytest.mark.parametrize("missing", [np.nan, 0.0, -1.0])
def test_a_cell_without_a_volatility_is_no_pair(missing):
    actual = outcomes(300)
    sigma = np.full_like(actual, 0.02)
    sigma[5, 7] = missing

    assert gate.judge(actual, skilled(actual), sigma=sigma, rules=WIDE).n == 300 * 20 - 1


def test_a_volatility_that_is_needed_and_not_given_is_an_error():
    with pytest.raises(ValueError, match="volatility"):
        gate.judge(outcomes(), outcomes(), sigma=None, rules=WIDE)
    with pytest.raises(ValueError, match="one shape"):
        gate.judge(outcomes(), outcomes(), sigma=UNIT[:5], rules=WIDE)


@pytest.mark.parametrize("cut", [1, 300, 599])
def test_encompassing_of_a_row_knows_nothing_after_it(cut):
    actual, sigma = outcomes(), UNIT.copy()
    forecast = skilled(actual)
    before = losses.cumulate_losses(actual, forecast, sigma=sigma).panel.values
    actual[cut:], sigma[cut:] = 9.0, 3.0

    after = losses.cumulate_losses(actual, forecast, sigma=sigma).panel.values

    np.testing.assert_array_equal(before[: cut + 1], after[: cut + 1])


@pytest.mark.parametrize("cut", [1, 300, 599])
def test_cumulated_losses_of_a_row_know_nothing_after_it(cut):
    actual = outcomes()
    forecast, champion = skilled(actual), skilled(actual, 0.01)
    changed = actual.copy()
    changed[cut:] = 9.0

    seen = [losses.cumulate_losses(one, forecast, champion) for one in (actual, changed)]

    for one, other in zip(*(book[2:] for book in seen), strict=True):
        for a, b in zip(one, other, strict=True) if isinstance(one, hac.Sums) else [(one, other)]:
            np.testing.assert_array_equal(a[: cut + 1], b[: cut + 1])
