import datetime as dt

import numpy as np
import pytest

from src.monitoring.drift.daily import arrange

GRID = [0.05, 0.5, 0.95]
MONDAY, TUESDAY = dt.date(2026, 4, 20), dt.date(2026, 4, 21)


def row(day, bucket, n=1, gains=(0.0, 0.0), levels=GRID):
    absolute, squared = gains
    return {
        "day": day,
        "levels": levels,
        "bucket": bucket,
        "n": n,
        "absolute_gain": absolute,
        "squared_gain": squared,
    }


def test_each_day_is_averaged_over_its_outcomes():
    rows = [
        row(MONDAY, 0, n=1, gains=(-0.02, -0.04)),
        row(MONDAY, 1, n=2, gains=(0.01, 0.02)),
        row(MONDAY, 2, n=1),
        row(TUESDAY, 3, n=5, gains=(0.5, 1.0)),
    ]
    outcomes = arrange(rows, 0.9)
    # Below the lowest quantile and above the highest are outside: 3 of 4 inside, then 0 of 5.
    assert outcomes.inside == pytest.approx([0.75, 0.0])
    assert outcomes.gains == pytest.approx(np.array([[-0.0025, -0.005], [0.1, 0.2]]))


def test_forecasts_without_the_two_levels_are_left_out():
    rows = [row(MONDAY, 1, levels=[0.1, 0.5, 0.9]), row(TUESDAY, 1)]
    assert arrange(rows, 0.9).inside == pytest.approx([1.0])
    assert len(arrange(rows[:1], 0.9).inside) == 0
    assert arrange([], 0.9).gains.shape == (0, 2)
