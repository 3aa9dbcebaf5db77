import datetime as dt

import numpy as np
import polars as pl
import pytest

from src.core.calendars.nse import nse
from src.modeling.experiment.run import ExperimentConfig, run_walk_forward
from src.modeling.gate.verdict import rules_for
from src.modeling.intervals.quantiles import LEVELS
from src.modeling.panel import panel
from src.modeling.points.splits import Schedule
from src.modeling.training.report.data import (
    CurrentForecast,
    ServingStatus,
    horizon_record,
    price_path,
    scored_rows,
)
from tests.support.prices import clean_walk, sessions

DAYS = sessions(dt.date(2021, 1, 4), 420)
NOTHING = ServingStatus("zero", None, None)


@pytest.fixture(scope="module")
def result():
    bars = pl.concat([clean_walk(f"{name}.NS", DAYS, seed=n) for n, name in enumerate("ABCDEF")])
    rules = ExperimentConfig("drift", rules_for(5, 0.0), Schedule())
    return run_walk_forward(
        panel.build(bars, nse()), rules, names=("zero", "mean", "drift"), since=300
    )


def test_the_record_is_that_of_the_walk_forward(result):
    one = horizon_record(result, NOTHING)

    assert list(one.points) == ["zero", "mean", "drift", "served"]
    assert (one.horizon, one.challenger) == (5, "drift")
    assert np.array_equal(one.quantiles, result.distributions.quantiles(one.rows), equal_nan=True)
    assert one.quantiles.shape == (len(one.rows), 6, len(LEVELS))


def test_only_rows_with_an_outcome_and_a_distribution_are_scored(result):
    one = horizon_record(result, NOTHING)

    # The labels of the last five sessions are not realised.
    assert one.rows.tolist() == list(range(300, 415))


def test_many_cells_are_thinned_evenly_down_from_the_newest():
    actual = np.zeros((100, 10))
    actual[-3:] = np.nan

    # 77 rows of ten are 770 cells: one row in four keeps them within 200.
    assert scored_rows(actual, 20, most=200).tolist() == list(range(20, 97, 4))
    assert scored_rows(actual, 20, most=770).tolist() == list(range(20, 97))


def test_nothing_realised_is_nothing_to_score():
    assert scored_rows(np.full((9, 2), np.nan), 0).size == 0
    late = np.full((9, 2), np.nan)
    late[2] = 0.01
    assert scored_rows(late, 5).size == 0


MADE = dt.date(2026, 3, 2)


def forecast(days, point, quantiles):
    target = MADE + dt.timedelta(days=days)
    return CurrentForecast(MADE, target, False, 200.0, point, np.array(quantiles))


def test_the_price_path_passes_through_each_horizon():
    near, far = forecast(1, 0.0, [-0.01, 0.0, 0.02]), forecast(7, 0.01, [-0.05, 0.01, 0.08])

    days, prices, point = price_path([(1, near), (5, far)])

    assert days[[0, 1, 5]].tolist() == [MADE, dt.date(2026, 3, 3), dt.date(2026, 3, 9)]
    assert prices[0] == pytest.approx([200, 200, 200])
    assert prices[1] == pytest.approx([198, 200, 204])
    assert prices[5] == pytest.approx([190, 202, 216])
    assert point[[0, 1, 5]] == pytest.approx([200, 200, 202])


def test_between_horizons_it_widens_with_the_square_root_of_time():
    _, prices, point = price_path([(16, forecast(20, 0.04, [-0.08, 0.0, 0.08]))])

    # sqrt(4 / 16) = 1/2 and sqrt(9 / 16) = 3/4 of the way.
    assert prices[4] == pytest.approx([192, 200, 208])
    assert prices[9] == pytest.approx([188, 200, 212])
    assert point[4] == pytest.approx(204)


@pytest.mark.parametrize(
    "bad",
    [
        forecast(1, np.nan, [0.0, 0.0, 0.0]),
        forecast(1, 0.0, [np.nan, 0.0, 0.0]),
        CurrentForecast(MADE, MADE, False, np.nan, 0.0, np.zeros(3)),
    ],
)
def test_a_forecast_with_a_part_missing_has_no_range(bad):
    assert not bad.has_range
    assert forecast(1, 0.0, [-0.1, 0.0, 0.1]).has_range
