from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from src.modeling.evaluation.forecast_record import ForecastRecord
from src.modeling.intervals.quantiles import LEVELS
from src.modeling.report.statistics.horizon import (
    cumulative_savings,
    distribution_skill,
    horizon_statistics,
    point_skills,
)

ACTUAL = np.array([[0.02, -0.02], [0.04, np.nan], [np.nan, np.nan], [-0.02, 0.02]])
ZERO = np.zeros((4, 2))


def record_of(actual, points, horizon=1, **changed):
    rows, tickers = actual.shape
    return replace(
        ForecastRecord(
            horizon=horizon,
            sessions=np.datetime64("2020-01-01") + np.arange(rows),
            tickers=tuple("ABCD"[:tickers]),
            actual=actual,
            points=points,
            sigma=np.ones(actual.shape),
            reference_crps=np.ones(actual.shape),
            quantiles=np.full((*actual.shape, len(LEVELS)), np.nan),
        ),
        **changed,
    )


@pytest.fixture(scope="module")
def record():
    """Outcomes twice as wide as was thought when calm, just as wide when wild."""
    random = np.random.default_rng(7)
    kind, day = np.arange(1000)[:, None] % 3, np.arange(1000)[:, None]
    sigma = np.array([0.01, 0.02, 0.04])[kind] * (1 + day / 10_000) * np.array([1.0, 4.0])
    actual = random.normal(0, 1, (1000, 2)) * np.where(kind == 0, 2, 1) * sigma
    points = {"zero": np.zeros((1000, 2)), "mean": np.full((1000, 2), 0.001)}
    quantiles = sigma[..., None] * stats.norm.ppf(LEVELS)
    return record_of(actual, points, sigma=sigma, quantiles=quantiles)


def test_coverage_is_of_the_pool_and_of_each_ticker(record):
    coverage = horizon_statistics(record, "AB").coverage[0.9]

    assert (coverage.pool.n, coverage.of(1).n) == (2000, 1000)
    # Of normal outcomes 90 % within 1.645 spreads, 59 % when they are twice as wide.
    expected = (0.9 + 0.9 + 2 * stats.norm.cdf(1.645 / 2) - 1) / 3
    assert coverage.pool.value == pytest.approx(expected, abs=0.03)
    assert coverage.of(1).value == pytest.approx(expected, abs=0.04)


def test_the_thirds_separate_calm_from_wild(record):
    calm, middle, wild = horizon_statistics(record, "AB").terciles[0.9]

    assert calm.value == pytest.approx(2 * stats.norm.cdf(1.645 / 2) - 1, abs=0.05)
    assert [middle.value, wild.value] == pytest.approx([0.9, 0.9], abs=0.04)


def test_lines_are_thinned_but_reach_the_newest_session(record):
    statistics = horizon_statistics(record, "AB")

    assert statistics.days[-1] == record.sessions[-1]
    assert len(statistics.days) == len(statistics.rolled[0.9]) == len(statistics.saved["mean"])
    assert len(statistics.days) == 500
    ends = 1.6449 * record.sigma[-250:]
    inside = np.abs(record.actual[-250:]) <= ends
    assert statistics.rolled[0.9][-1] == pytest.approx(inside.mean())


def test_zero_is_no_line_beside_itself(record):
    assert list(horizon_statistics(record, "AB").saved) == ["mean"]


def test_lines_end_at_the_last_session_that_has_an_outcome(record):
    waiting = record.actual.copy()
    waiting[-63:] = np.nan

    assert horizon_statistics(replace(record, actual=waiting), []).days[-1] == record.sessions[-64]


def test_every_candidate_stands_beside_both_baselines_but_not_beside_itself():
    points = {"zero": ZERO, "mean": ZERO + 0.01, "ridge": ACTUAL / 2}

    skills = point_skills(record_of(ACTUAL, points), [])

    # Zero errs by .02, .04 and .02 on the three dates, ridge by half; the mean by .02, .03, .02.
    assert {(each.candidate, each.baseline): each.gains.pool.value for each in skills} == {
        ("zero", "mean"): pytest.approx(1 - 8 / 7),
        ("mean", "zero"): pytest.approx(1 / 8),
        ("ridge", "zero"): pytest.approx(1 / 2),
        ("ridge", "mean"): pytest.approx(3 / 7),
    }


def test_each_ticker_is_scored_alone():
    right_on_the_first = np.array([[0.02, 0.0], [0.04, 0.0], [0.0, 0.0], [-0.02, 0.0]])

    (skill,) = point_skills(record_of(ACTUAL, {"zero": ZERO, "ridge": right_on_the_first}), [0, 1])

    assert [measure.value for measure in skill.gains.tickers.values()] == [1.0, 0.0]
    assert [measure.n for measure in skill.gains.tickers.values()] == [3, 2]


def test_a_distribution_is_scored_against_the_loss_of_the_reference(record):
    skill = distribution_skill(replace(record, reference_crps=np.full((1000, 2), 0.05)), [0]).gains

    # E|X - Y| - E|X - X'| / 2 of normal X and Y, in spreads of X: Y spreads as wide, or twice.
    mean_absolute = np.sqrt(2 / np.pi)
    right, wide = (mean_absolute * (np.sqrt(1 + y**2) - np.sqrt(2) / 2) for y in (1, 2))
    loss = np.where(np.arange(1000)[:, None] % 3 == 0, wide, right) * record.sigma
    assert skill.pool.value == pytest.approx(1 - loss.mean() / 0.05, abs=0.06)
    assert skill.of(0).value == pytest.approx(1 - loss[:, 0].mean() / 0.05, abs=0.03)


def test_saved_loss_is_summed_over_dates_and_divided_by_the_horizon():
    points = {"zero": ZERO, "ridge": ACTUAL / 2, "worse": -ACTUAL}

    saved = cumulative_savings(record_of(ACTUAL, points, horizon=2))

    # Half of .02, .04 and .02 is saved on three dates, as much as all of it lost.
    assert saved["ridge"] == pytest.approx([0.005, 0.015, 0.015, 0.02])
    assert saved["worse"] == pytest.approx([-0.01, -0.03, -0.03, -0.04])
    assert saved["zero"] == pytest.approx([0, 0, 0, 0])


def test_nothing_realised_has_no_line():
    unknown = np.full((5, 2), np.nan)

    statistics = horizon_statistics(record_of(unknown, {"zero": np.zeros((5, 2))}), [])

    assert (statistics.days.size, statistics.coverage[0.9].pool.n) == (0, 0)
