import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from src.modeling.report.data import CurrentForecast, price_fan
from tests.support.report_data import MADE, forecast, report_data

ENTRY = {
    "horizon": "63-day",
    "feature_date": "2026-02-27",
    "target_date": "2026-05-29",
    "target_date_estimated": True,
    "last_close": 200.0,
    "pred_return": 0.01,
    "prob_up": 0.6,
    "intervals": [
        {
            "level": 0.9,
            "low_return": -0.1,
            "high_return": 0.12,
            "low_close": 180.0,
            "high_close": 224.0,
        }
    ],
    "model": {"name": "drift", "pinned": {"version_tag": "v1", "since": "2026-01-01"}},
    "note": None,
}


def test_a_forecast_is_read_from_an_entry_of_results_json():
    made = CurrentForecast.from_entry(ENTRY)

    assert made.feature_date == dt.date(2026, 2, 27)
    assert made.target_date == dt.date(2026, 5, 29)
    assert (made.last_close, made.point, made.prob_up) == (200.0, 0.01, 0.6)
    assert (made.served, made.pinned, made.note) == ("drift", "v1", "")
    assert made.intervals == {0.9: (-0.1, 0.12)}
    unpinned = CurrentForecast.from_entry({**ENTRY, "model": {"name": "zero", "pinned": None}})
    assert unpinned.pinned == ""


def ranged(days, point, low, high):
    intervals = dict.fromkeys((0.5, 0.8, 0.9, 0.95), (low, high))
    return forecast(days, point, last_close=200.0, intervals=intervals)


def of_horizons(**forecasts):
    """A page's data in which ``near`` is 1 session ahead and ``far`` is ``sessions``."""
    data = report_data(rows=9, tickers=1)
    horizons = []
    for name, (sessions, made) in forecasts.items():
        horizon = data.horizons[0 if name == "near" else 1]
        record = replace(horizon.record, horizon=sessions)
        horizons.append(replace(horizon, record=record, forecasts={"A.NS": made}))
    return replace(data, horizons=tuple(horizons))


def test_the_fan_passes_through_each_horizon():
    data = of_horizons(near=(1, ranged(3, 0.0, -0.01, 0.02)), far=(5, ranged(7, 0.01, -0.05, 0.08)))

    fan = price_fan(data, 1, "A.NS")

    assert fan.ahead[[0, 1, -1]].tolist() == [MADE, dt.date(2026, 3, 2), dt.date(2026, 3, 6)]
    low, high = fan.bands[0.9]
    assert (low[0], low[1], low[-1]) == pytest.approx((200, 198, 190))
    assert (high[0], high[1], high[-1]) == pytest.approx((200, 204, 216))
    assert fan.point[[0, 1, -1]] == pytest.approx([200, 200, 202])
    assert (fan.days[-1].item(), fan.closes[-1]) == (MADE, 2500)


def test_between_horizons_it_widens_with_the_square_root_of_time():
    data = of_horizons(far=(16, ranged(20, 0.04, -0.08, 0.08)))

    fan = price_fan(data, 0, "A.NS")

    # sqrt(4 / 16) = 1/2 and sqrt(9 / 16) = 3/4 of the way; every session is a point.
    low, high = fan.bands[0.5]
    assert (low[4], high[4]) == pytest.approx((192, 208))
    assert (low[9], high[9]) == pytest.approx((188, 212))
    assert fan.point[4] == pytest.approx(204)


def test_a_long_path_has_few_points():
    data = report_data(rows=9, tickers=1)

    assert len(price_fan(data, 1, "A.NS").ahead) <= 26


def test_a_near_forecast_of_another_session_is_left_out():
    near = replace(ranged(3, 0.0, -0.5, 0.5), feature_date=MADE - dt.timedelta(days=1))
    data = of_horizons(near=(1, near), far=(5, ranged(7, 0.0, -0.05, 0.05)))

    fan = price_fan(data, 1, "A.NS")

    assert min(fan.bands[0.9][0]) == pytest.approx(190)


def test_a_forecast_without_a_range_has_no_fan():
    unknown = forecast(3, prob_up=None, intervals={})
    data = of_horizons(near=(1, unknown), far=(5, ranged(7, 0.0, -0.05, 0.05)))

    assert price_fan(data, 0, "A.NS") is None
    assert price_fan(data, 1, "B.NS") is None
    assert price_fan(data, 1, "A.NS") is not None


def test_closes_after_the_session_of_the_forecast_are_not_shown():
    data = report_data(rows=9, tickers=1)
    days, closes = data.closes["A.NS"]
    later = replace(data, closes={"A.NS": (days + 5, closes)})

    fan = price_fan(later, 0, "A.NS")

    assert fan.days[-1].item() == MADE
    assert np.isclose(fan.closes[-1], closes[-6])


def test_a_pool_is_named_by_its_size_and_a_ticker_alone_by_its_name():
    assert report_data(rows=9, tickers=2).horizons[0].pool_name == "all 2 tickers"
    assert report_data(rows=9, tickers=1).horizons[0].pool_name == "A.NS"
