import datetime as dt
import time

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.core.tables import OHLC
from src.data.cleaning.rules.unit_errors import unit_errors

START = dt.date(2020, 1, 1)


def bars_of(close, volume=10_000.0):
    """Bars that open 1 % below their close and reach 2 % beyond both."""
    close = np.asarray(close, dtype=float)
    return pl.DataFrame(
        {
            "date": [START + dt.timedelta(days=n) for n in range(close.size)],
            "open": close * 0.99,
            "high": close * 1.02,
            "low": close * 0.97,
            "close": close,
            "volume": np.broadcast_to(np.asarray(volume, dtype=float), close.shape),
        }
    )


def walk(rows, seed, volatility=0.03):
    return 500 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, volatility, rows)))


def scaled(bars, rows, factor, fields=OHLC):
    inside = pl.int_range(pl.len()).is_in(list(rows))
    return bars.with_columns(
        pl.when(inside).then(pl.col(fields) * factor).otherwise(pl.col(fields))
    )


def flagged(bars):
    return unit_errors(bars).arg_true().to_list()


@pytest.mark.parametrize("factor", [100, 0.01, 1000, 1e-4])
@pytest.mark.parametrize("row", [0, 1, 20, 38, 39])
def test_a_bar_in_another_unit_is_found_wherever_it_stands(row, factor):
    assert flagged(scaled(bars_of([250.0] * 40), [row], factor)) == [row]


@pytest.mark.parametrize("row", [0, 20, 39])
@pytest.mark.parametrize(
    ("fields", "factor"),
    [
        (["high"], 100),
        (["low"], 0.01),
        (["open"], 0.01),
        (["close"], 100),
        (["open", "high"], 100),
        (["high", "low", "close"], 100),
    ],
)
def test_a_bar_with_some_fields_in_another_unit_is_found(row, fields, factor):
    assert flagged(scaled(bars_of([250.0] * 40), [row], factor, fields)) == [row]


def test_a_run_that_comes_back_is_found_up_to_half_of_the_series():
    assert flagged(scaled(bars_of([250.0] * 100), range(25, 75), 0.01)) == list(range(25, 75))


def test_errors_up_and_down_side_by_side_are_told_apart_from_their_level():
    bars = scaled(scaled(bars_of([250.0] * 40), [10], 100), [11], 0.01)

    assert flagged(bars) == [10, 11]


def test_an_error_beside_a_crash_is_found():
    close = [250.0] * 20 + [125.0] * 20

    assert flagged(scaled(bars_of(close), [20, 21], 100)) == [20, 21]


@pytest.mark.parametrize("rows", [range(20), range(80, 100)])
def test_twenty_bars_at_an_end_are_found_when_they_are_a_fifth(rows):
    assert flagged(scaled(bars_of([250.0] * 100), rows, 100)) == list(rows)


@pytest.mark.parametrize("count", [21, 50])
def test_more_than_twenty_bars_at_an_end_are_left_to_a_person(count):
    assert flagged(scaled(bars_of([250.0] * 200), range(200 - count, 200), 0.01)) == []


def test_a_quarter_of_a_short_series_is_left_to_a_person():
    assert flagged(scaled(bars_of([35.0] * 29), range(22), 100)) == []


def test_an_error_on_either_side_of_a_unit_changed_for_good_is_found():
    bars = scaled(bars_of([250.0] * 200), range(120, 200), 0.01)

    assert flagged(scaled(bars, [40, 160], 100)) == [40, 160]


def test_a_last_bar_that_falls_back_to_the_unit_of_long_ago_is_the_error():
    bars = scaled(bars_of([250.0] * 301), range(200, 300), 0.01)

    assert flagged(bars) == [300]


@pytest.mark.parametrize("start", [3, 40, 67])
def test_a_run_near_an_end_is_the_error_and_not_the_bars_beside_it(start):
    rows = range(start, start + 30)

    assert flagged(scaled(bars_of([250.0] * 100), rows, 100)) == list(rows)


@pytest.mark.parametrize("after", [3, 10, 20, 60])
def test_a_split_of_one_to_a_hundred_is_no_error(after):
    close = [25_000.0] * 140 + [250.0] * after
    volume = [1_000.0] * 140 + [100_000.0] * after

    assert flagged(bars_of(close, volume)) == []


@pytest.mark.parametrize("ratio", [2, 5, 10, 20, 1 / 10, 1 / 20])
@pytest.mark.parametrize("row", [1, 50, 99])
def test_an_unadjusted_split_is_no_error(ratio, row):
    assert flagged(bars_of([1000.0] * row + [1000.0 / ratio] * (100 - row))) == []


@pytest.mark.parametrize("factor", [0.05, 0.5, 3, 6])
def test_a_crash_and_a_leap_that_come_back_are_no_error(factor):
    assert flagged(bars_of([1000.0] * 50 + [1000.0 * factor] * 3 + [1000.0] * 50)) == []


def test_a_price_that_loses_99_percent_over_a_year_is_no_error():
    assert flagged(bars_of(np.geomspace(1000, 8, 250))) == []


@pytest.mark.parametrize("rows", [0, 1])
def test_a_series_too_short_to_compare_has_no_error(rows):
    assert unit_errors(bars_of([250.0] * rows)).to_list() == [False] * rows


def test_two_bars_that_contradict_each_other_are_left_to_a_person():
    assert flagged(bars_of([250.0, 25_000.0])) == []


@given(
    rows=st.integers(30, 300),
    at=st.floats(0, 1),
    seed=st.integers(0, 10_000),
    factor=st.sampled_from([100.0, 0.01]),
    fields=st.sets(st.sampled_from(OHLC), min_size=1).map(sorted),
)
def test_one_injected_error_is_found_and_nothing_else(rows, at, seed, factor, fields):
    row = round(at * (rows - 1))

    assert flagged(scaled(bars_of(walk(rows, seed)), [row], factor, fields)) == [row]


@given(rows=st.integers(2, 300), seed=st.integers(0, 10_000), volatility=st.floats(0.001, 0.2))
def test_a_random_walk_has_no_error(rows, seed, volatility):
    assert flagged(bars_of(walk(rows, seed, volatility))) == []


@settings(max_examples=50)
@given(
    seed=st.integers(0, 10_000),
    wrong=st.sets(st.integers(0, 119), max_size=30),
    unit=st.floats(1e-3, 1e3),
)
def test_the_unit_of_the_whole_series_does_not_matter(seed, wrong, unit):
    bars = scaled(bars_of(walk(120, seed)), wrong, 100)

    assert flagged(scaled(bars, range(120), unit)) == flagged(bars)


@settings(max_examples=50)
@given(seed=st.integers(0, 10_000), wrong=st.sets(st.integers(1, 118), max_size=50))
def test_scattered_errors_inside_the_series_are_found_exactly(seed, wrong):
    assert flagged(scaled(bars_of(walk(120, seed)), wrong, 0.01)) == sorted(wrong)


def test_six_thousand_bars_take_less_than_five_milliseconds():
    bars = scaled(bars_of(walk(6000, 1)), [5, 2000, 5999], 100)
    taken = []
    for _ in range(20):
        began = time.process_time()
        unit_errors(bars)
        taken.append(time.process_time() - began)

    assert min(taken) < 0.005
