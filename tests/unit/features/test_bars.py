"""The last rows of bars, with what was computed of all of them."""

import datetime as dt

import numpy as np

from src.core.tables import OHLCV
from src.features.bars import Bars
from src.features.time_series import log_close, log_volume
from tests.support.prices import clean_walk, sessions

CLEAN = clean_walk("TCS.NS", sessions(dt.date(2025, 1, 1), 60))


def bars():
    return Bars(*(CLEAN[name].to_numpy() for name in OHLCV))


def test_the_last_rows_are_those_of_every_column():
    last = bars().last(7)

    for name in OHLCV:
        np.testing.assert_array_equal(getattr(last, name), CLEAN[name].to_numpy()[-7:])


def test_more_rows_than_there_are_are_all():
    assert bars().last(100).close.size == 60


def test_what_rests_on_the_first_row_is_taken_along():
    whole = bars()
    volumes = log_volume(whole)

    last = whole.last(7)

    np.testing.assert_array_equal(log_volume(last), volumes[-7:])
    assert log_volume(bars().last(7))[0] == 0.0 != volumes[-7]
    # What was not computed yet is computed of the last rows.
    np.testing.assert_array_equal(log_close(last), np.log(whole.close[-7:]))
