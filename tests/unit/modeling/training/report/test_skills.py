import numpy as np
import pytest
from scores.probability import crps_for_ensemble
from xarray import DataArray

from src.modeling.intervals.quantiles import LEVELS
from src.modeling.training.report import skills

ACTUAL = np.array([[0.02, -0.02], [0.04, np.nan], [np.nan, np.nan], [-0.02, 0.02]])
ZERO = np.zeros((4, 2))


def gains(found):
    return {(one.candidate, one.baseline): one.pool.value for one in found}


def test_every_candidate_stands_beside_both_baselines_but_not_beside_itself():
    points = {"zero": ZERO, "mean": ZERO + 0.01, "ridge": ACTUAL / 2}

    found = gains(skills.of_points(ACTUAL, points, 1, 0))

    # Zero errs by .02, .04 and .02 on the three dates, ridge by half; the mean by .02, .03, .02.
    assert found == {
        ("zero", "mean"): pytest.approx(1 - 8 / 7),
        ("mean", "zero"): pytest.approx(1 / 8),
        ("ridge", "zero"): pytest.approx(1 / 2),
        ("ridge", "mean"): pytest.approx(3 / 7),
    }


def test_the_mean_is_worked_out_where_it_took_no_part():
    actual = np.array([[0.02], [0.04], [0.01]])

    found = gains(skills.of_points(actual, {"zero": np.zeros((3, 1))}, 1, 0))

    # Of rows 1 and 2 the means known before are .02 and .03: each errs by .02, zero by .04 and .01.
    assert found["zero", "mean"] == pytest.approx(1 - 0.05 / 0.04)


def test_the_own_ticker_is_scored_alone():
    points = {"ridge": np.array([[0.02, 0.0], [0.04, 0.0], [0.0, 0.0], [-0.02, 0.0]])}

    first, second = (skills.of_points(ACTUAL, points, 1, column) for column in (0, 1))

    assert [one.own.value for one in (first[0], second[0])] == [1.0, 0.0]
    assert (first[0].own.n, second[0].own.n) == (3, 2)
    assert first[0].pool == second[0].pool


def test_a_distribution_is_scored_against_the_quantiles_of_its_own_past():
    random = np.random.default_rng(4)
    actual = random.normal(0, 0.02, (700, 1))
    rows = np.arange(602, 700, 2)
    wide = np.quantile(random.normal(0, 0.06, 4000), LEVELS)

    found = skills.of_distribution(
        actual, np.broadcast_to(wide, (len(rows), 1, len(LEVELS))), rows, 1, 0
    )

    # As ensembles: three thousand draws of what was said, the last 500 outcomes for the past.
    def score(members, y):
        return float(
            crps_for_ensemble(DataArray(members, dims="m"), DataArray(y), "m", method="ecdf")
        )

    grid = (np.arange(3000) + 0.5) / 3000
    said = [score(np.interp(grid, LEVELS, wide), actual[row, 0]) for row in rows]
    past = [score(actual[row - 500 : row, 0], actual[row, 0]) for row in rows]
    assert found.pool.value == pytest.approx(1 - np.mean(said) / np.mean(past), abs=0.03)
    assert found.pool.value < -0.3
    assert (found.pool.n, found.pool.dates) == (len(rows), len(rows))


def test_saved_loss_is_summed_over_dates_and_divided_by_the_horizon():
    points = {"zero": ZERO, "ridge": ACTUAL / 2, "worse": -ACTUAL}

    rows, saved = skills.cumulative(ACTUAL, points, 2)

    # Half of .02, .04 and .02 is saved on three dates, as much as all of it lost.
    assert rows.tolist() == [0, 1, 2, 3]
    assert saved["ridge"] == pytest.approx([0.005, 0.015, 0.015, 0.02])
    assert saved["worse"] == pytest.approx([-0.01, -0.03, -0.03, -0.04])
    assert saved["zero"] == pytest.approx([0, 0, 0, 0])


def test_a_long_record_is_thinned_and_keeps_both_ends():
    actual = np.full((1000, 1), 0.01)
    actual[:10] = np.nan
    actual[-5:] = np.nan

    rows, saved = skills.cumulative(actual, {"right": np.full((1000, 1), 0.01)}, 1, most=50)

    assert (rows[0], rows[-1]) == (10, 994)
    assert len(rows) <= 51
    assert saved["right"][-1] == pytest.approx(985 * 0.01)


def test_nothing_realised_saves_nothing():
    rows, saved = skills.cumulative(np.full((5, 2), np.nan), {"zero": np.zeros((5, 2))}, 1)

    assert (rows.size, saved) == (0, {})
