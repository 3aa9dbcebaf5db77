import datetime as dt

import numpy as np
import pytest

from src.monitoring.metrics.points import make_point
from src.monitoring.metrics.report import summarise
from src.monitoring.metrics.trend import trend_of

START = dt.datetime(2026, 4, 1, 13, 0, tzinfo=dt.UTC)


def points(*values, name="x", tags=None, step=dt.timedelta(days=1)):
    return [
        make_point(name, value, tags, START + step * number) for number, value in enumerate(values)
    ]


def test_each_name_and_set_of_tags_has_a_row():
    short, long = {"horizon": "short", "pool": "NSE"}, {"pool": "NSE", "horizon": "long"}
    rows = summarise(
        [
            *points(0.4, 0.2, 0.3, name="model_r2_score", tags=short),
            *points(0.1, name="model_r2_score", tags=long),
            *points(92.5, name="data_quality"),
        ]
    )
    assert [(row["name"], row["tags"]) for row in rows] == [
        ("data_quality", {}),
        ("model_r2_score", long),
        ("model_r2_score", short),
    ]
    row = rows[2]
    assert (row["points"], row["latest"], row["min"], row["max"]) == (3, 0.3, 0.2, 0.4)
    assert row["mean"] == pytest.approx(0.3)
    # Between the second and the third of .2, .3, .4: .95 of two steps is 1.9 steps.
    assert row["p95"] == pytest.approx(0.39)
    assert (row["first"], row["last"]) == ("2026-04-01T13:00:00+00:00", "2026-04-03T13:00:00+00:00")
    assert row["trend"] is None


def test_six_rising_days_are_a_trend():
    # All 15 pairs rise; with 6 days that has the probability 2 / 6! = .0028, two-sided.
    trend = trend_of(points(1, 2, 3, 5, 8, 13))
    assert (trend.direction, trend.days) == ("rising", 6)
    assert trend.p_value == pytest.approx(2 / 720)
    # Slopes of the pairs in order: 1, 1, 1, 4/3, 3/2, 7/4, 2, 2, 12/5 … 5; the eighth of 15 is 2.
    assert trend.per_day == pytest.approx(2.0)


def test_five_falling_days_are_not_enough_to_say_so():
    # 2 / 5! = .0167, not below .01.
    trend = trend_of(points(5, 4, 3, 2, 1))
    assert (trend.direction, trend.per_day) == ("none", -1.0)
    assert trend.p_value == pytest.approx(2 / 120)
    assert trend_of(points(6, 5, 4, 3, 2, 1)).direction == "falling"


def test_a_day_counts_once_by_its_median():
    hourly = points(*range(100), step=dt.timedelta(hours=1))
    # From 13:00 on the first day to 16:00 on the fifth, with medians 5, 22.5, 46.5, 70.5 and 91.
    trend = trend_of(hourly)
    assert trend.days == 5
    # Slopes of the pairs in order: 17.5, 20.5, 20.75, 21.5, 21.83, 22.25, 22.83, 24, 24, 24.
    assert trend.per_day == pytest.approx((65.5 / 3 + 22.25) / 2)
    assert trend_of(hourly[:80]) is None


def test_one_wild_day_decides_nothing():
    trend = trend_of(points(5, 5, 5, 5, 1000, 5, 5, 5))
    assert (trend.direction, trend.per_day) == ("none", 0.0)


def test_a_constant_has_no_trend():
    trend = trend_of(points(*[3.0] * 10))
    assert (trend.direction, trend.per_day, trend.p_value) == ("none", 0.0, 1.0)


def test_rows_without_a_trend_have_one_at_the_level_of_the_test():
    random = np.random.default_rng(7)
    found = [trend_of(points(*random.normal(size=30))).direction != "none" for _ in range(400)]
    # 4 of 400 are expected at 1 %; more than 11 would have the probability .001.
    assert sum(found) <= 11
