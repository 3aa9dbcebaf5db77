import numpy as np
import pytest
from scipy import stats

from src.modeling.intervals.quantiles import LEVELS
from src.modeling.training.report.data import HorizonRecord, ServingStatus, scored_rows
from src.modeling.training.report.statistics import horizon_statistics


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


def test_coverage_is_told_of_the_pool_and_of_the_own_ticker(record):
    pool, own = horizon_statistics(record, 1).coverage[0.9]

    assert (pool.n, own.n) == (3800, 1900)
    # Of normal outcomes 90 % within 1.645 spreads, 59 % when they are twice as wide.
    expected = (0.9 + 0.9 + 2 * stats.norm.cdf(1.645 / 2) - 1) / 3
    assert own.value == pytest.approx(expected, abs=0.03)


def test_the_thirds_tell_calm_from_wild(record):
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
