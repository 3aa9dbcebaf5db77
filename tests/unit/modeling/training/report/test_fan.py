import datetime as dt

import numpy as np
import pytest

from src.modeling.training.report import fan
from src.modeling.training.report.data import CurrentForecast

MADE = dt.date(2026, 3, 2)


def said(days, point, quantiles):
    target = MADE + dt.timedelta(days=days)
    return CurrentForecast(MADE, target, False, 200.0, point, np.array(quantiles))


def test_the_fan_passes_through_each_horizon():
    near, far = said(1, 0.0, [-0.01, 0.0, 0.02]), said(7, 0.01, [-0.05, 0.01, 0.08])

    days, prices, point = fan.path([(1, near), (5, far)])

    assert days[[0, 1, 5]].tolist() == [MADE, dt.date(2026, 3, 3), dt.date(2026, 3, 9)]
    assert prices[0] == pytest.approx([200, 200, 200])
    assert prices[1] == pytest.approx([198, 200, 204])
    assert prices[5] == pytest.approx([190, 202, 216])
    assert point[[0, 1, 5]] == pytest.approx([200, 200, 202])


def test_between_horizons_it_widens_with_the_square_root_of_time():
    _, prices, point = fan.path([(16, said(20, 0.04, [-0.08, 0.0, 0.08]))])

    # sqrt(4 / 16) = 1/2 and sqrt(9 / 16) = 3/4 of the way.
    assert prices[4] == pytest.approx([192, 200, 208])
    assert prices[9] == pytest.approx([188, 200, 212])
    assert point[4] == pytest.approx(204)


@pytest.mark.parametrize(
    "bad",
    [
        None,
        said(1, np.nan, [0.0, 0.0, 0.0]),
        said(1, 0.0, [np.nan, 0.0, 0.0]),
        CurrentForecast(MADE, MADE, False, np.nan, 0.0, np.zeros(3)),
    ],
)
def test_a_forecast_with_a_part_missing_is_not_known(bad):
    assert not fan.known(bad)
    assert fan.known(said(1, 0.0, [-0.1, 0.0, 0.1]))
