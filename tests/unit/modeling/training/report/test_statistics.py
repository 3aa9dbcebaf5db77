import numpy as np
import pytest
from scipy import stats
from scores.probability import crps_for_ensemble
from xarray import DataArray

from src.modeling.intervals.quantiles import LEVELS
from src.modeling.training.report.data import HorizonRecord, ServingStatus, scored_rows
from src.modeling.training.report.statistics import (
    cumulative_savings,
    distribution_skill,
    horizon_statistics,
    point_skills,
)


@pytest.fixture(scope="module")
def record():
    """Outcomes twice as wide as was thought when calm, just as wide when wild."""
    random = np.random.default_rng(7)
    kind, day = np.arange(2000)[:, None] % 3, np.arange(2000)[:, None]
    sigma = np.array([0.01, 0.02, 0.04])[kind] * (1 + day / 10_000) * np.array([1.0, 4.0])
    actual = random.normal(0, 1, (2000, 2)) * np.where(kind == 0, 2, 1) * sigma
    points = {"zero": np.zeros((2000, 2)), "mean": np.full((2000, 2), 0.001)}
    rows = scored_rows(actual, 100)
    given = sigma[rows, :, None] * stats.norm.ppf(LEVELS)
    return HorizonRecord(
        1, actual, points, sigma, rows, given, "mean", ServingStatus("zero", None, None)
    )


def test_coverage_is_of_the_pool_and_of_the_reports_ticker(record):
    pool, own = horizon_statistics(record, 1).coverage[0.9]

    assert (pool.n, own.n) == (3800, 1900)
    # Of normal outcomes 90 % within 1.645 spreads, 59 % when they are twice as wide.
    expected = (0.9 + 0.9 + 2 * stats.norm.cdf(1.645 / 2) - 1) / 3
    assert own.value == pytest.approx(expected, abs=0.03)


def test_the_thirds_separate_calm_from_wild(record):
    calm, middle, wild = horizon_statistics(record, 0).terciles[0.9]

    assert calm.value == pytest.approx(2 * stats.norm.cdf(1.645 / 2) - 1, abs=0.04)
    assert [middle.value, wild.value] == pytest.approx([0.9, 0.9], abs=0.03)


def test_lines_are_thinned_but_reach_the_newest_row(record):
    found = horizon_statistics(record, 0)

    assert found.rolled_rows[-1] == record.rows[-1]
    assert len(found.rolled_rows) == len(found.rolled[0.9]) <= 600
    seen = record.actual[record.rows[-250:]]
    ends = 1.6449 * record.sigma[record.rows[-250:]]
    assert found.rolled[0.9][-1] == pytest.approx((np.abs(seen) <= ends).mean())


def test_zero_is_no_line_beside_itself(record):
    assert list(horizon_statistics(record, 0).saved) == ["mean"]


ACTUAL = np.array([[0.02, -0.02], [0.04, np.nan], [np.nan, np.nan], [-0.02, 0.02]])
ZERO = np.zeros((4, 2))


def gains(skills):
    return {(s.candidate, s.baseline): s.pool.value for s in skills}


def test_every_candidate_stands_beside_both_baselines_but_not_beside_itself():
    points = {"zero": ZERO, "mean": ZERO + 0.01, "ridge": ACTUAL / 2}

    found = gains(point_skills(ACTUAL, points, 1, 0))

    # Zero errs by .02, .04 and .02 on the three dates, ridge by half; the mean by .02, .03, .02.
    assert found == {
        ("zero", "mean"): pytest.approx(1 - 8 / 7),
        ("mean", "zero"): pytest.approx(1 / 8),
        ("ridge", "zero"): pytest.approx(1 / 2),
        ("ridge", "mean"): pytest.approx(3 / 7),
    }


def test_the_mean_is_worked_out_where_it_took_no_part():
    actual = np.array([[0.02], [0.04], [0.01]])

    found = gains(point_skills(actual, {"zero": np.zeros((3, 1))}, 1, 0))

    # Of rows 1 and 2 the means known before are .02 and .03: each errs by .02, zero by .04 and .01.
    assert found["zero", "mean"] == pytest.approx(1 - 0.05 / 0.04)


def test_the_reports_ticker_is_scored_alone():
    points = {"ridge": np.array([[0.02, 0.0], [0.04, 0.0], [0.0, 0.0], [-0.02, 0.0]])}

    first, second = (point_skills(ACTUAL, points, 1, column) for column in (0, 1))

    assert [s.ticker.value for s in (first[0], second[0])] == [1.0, 0.0]
    assert (first[0].ticker.n, second[0].ticker.n) == (3, 2)
    assert first[0].pool == second[0].pool


def test_a_distribution_is_scored_against_the_quantiles_of_its_own_past():
    random = np.random.default_rng(4)
    actual = random.normal(0, 0.02, (700, 1))
    rows = np.arange(602, 700, 2)
    wide = np.quantile(random.normal(0, 0.06, 4000), LEVELS)

    found = distribution_skill(
        actual, np.broadcast_to(wide, (len(rows), 1, len(LEVELS))), rows, 1, 0
    )

    # As ensembles: three thousand draws of what was forecast, the last 500 outcomes for the past.
    def score(members, y):
        return float(
            crps_for_ensemble(DataArray(members, dims="m"), DataArray(y), "m", method="ecdf")
        )

    grid = (np.arange(3000) + 0.5) / 3000
    errors = [score(np.interp(grid, LEVELS, wide), actual[row, 0]) for row in rows]
    past = [score(actual[row - 500 : row, 0], actual[row, 0]) for row in rows]
    assert found.pool.value == pytest.approx(1 - np.mean(errors) / np.mean(past), abs=0.03)
    assert found.pool.value < -0.3
    assert (found.pool.n, found.pool.dates) == (len(rows), len(rows))


def test_saved_loss_is_summed_over_dates_and_divided_by_the_horizon():
    points = {"zero": ZERO, "ridge": ACTUAL / 2, "worse": -ACTUAL}

    rows, saved = cumulative_savings(ACTUAL, points, 2)

    # Half of .02, .04 and .02 is saved on three dates, as much as all of it lost.
    assert rows.tolist() == [0, 1, 2, 3]
    assert saved["ridge"] == pytest.approx([0.005, 0.015, 0.015, 0.02])
    assert saved["worse"] == pytest.approx([-0.01, -0.03, -0.03, -0.04])
    assert saved["zero"] == pytest.approx([0, 0, 0, 0])


def test_a_long_record_is_thinned_and_keeps_both_ends():
    actual = np.full((1000, 1), 0.01)
    actual[:10] = np.nan
    actual[-5:] = np.nan

    rows, saved = cumulative_savings(actual, {"right": np.full((1000, 1), 0.01)}, 1, most=50)

    assert (rows[0], rows[-1]) == (10, 994)
    assert len(rows) <= 51
    assert saved["right"][-1] == pytest.approx(985 * 0.01)


def test_nothing_realised_saves_nothing():
    rows, saved = cumulative_savings(np.full((5, 2), np.nan), {"zero": np.zeros((5, 2))}, 1)

    assert (rows.size, saved) == (0, {})
