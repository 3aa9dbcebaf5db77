"""Days on which the bars of a short file are those of stored series; all are made by hand."""

import datetime as dt

import polars as pl

from src.data.ingest.checks.same_bars import same_days
from tests.support.prices import sessions

DAYS = sessions(dt.date(2025, 1, 1), 12)


def bars(count=12, **bent):
    closes = [100.0 + n for n in range(count)]
    usual = {
        "date": DAYS[:count],
        "open": closes,
        "high": [close + 2 for close in closes],
        "low": [close - 2 for close in closes],
        "close": [close + 1 for close in closes],
        "volume": [1000.0 + n for n in range(count)],
    }
    return pl.DataFrame({**usual, **bent})


def stored(ticker, **bent):
    return bars(**bent).with_columns(ticker=pl.lit(ticker), source=pl.lit("nse"))


def test_the_series_with_the_same_bars_is_found():
    other = stored("INFY.NS", close=[50.0 + n for n in range(12)])

    assert same_days(bars(), pl.concat([other, stored("TCS.NS")])).rows() == [("TCS.NS", 12)]


def test_four_common_days_tell_nothing():
    assert same_days(bars(4), stored("TCS.NS")).is_empty()
    assert same_days(bars(5), stored("TCS.NS")).rows() == [("TCS.NS", 5)]


def test_other_volumes_are_another_bar():
    assert same_days(bars(), stored("TCS.NS", volume=[7.0] * 12)).is_empty()


def test_one_corrected_day_of_twelve_does_not_hide_it():
    volumes = [1000.0 + n for n in range(12)]

    assert same_days(bars(), stored("TCS.NS", volume=[7.0, *volumes[1:]])).height == 1
    assert same_days(bars(), stored("TCS.NS", volume=[7.0, 7.0, *volumes[2:]])).is_empty()
