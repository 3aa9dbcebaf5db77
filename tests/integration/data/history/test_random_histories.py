"""Whatever the order of arrival: what is stored = what is known now = a rebuild from nothing."""

import os
import random

import pytest

from tests.support.histories import (
    History,
    assert_known_now_is_stored,
    clean_rows,
    in_order_of_fetch,
    play,
    raw_rows,
    stated,
)

# RANDOM_HISTORIES=500 takes some minutes.
HISTORIES = int(os.environ.get("RANDOM_HISTORIES", "24"))
A_TEST = 8
BLOCKS = [range(first, min(first + A_TEST, HISTORIES)) for first in range(0, HISTORIES, A_TEST)]
# Two deliveries of one series with one time of fetch state an action differently.
ONE_TIME_OF_FETCH = (119,)


@pytest.mark.parametrize("seeds", [*BLOCKS, ONE_TIME_OF_FETCH])
def test_the_order_of_arrival_changes_nothing(store, home, seeds):
    for seed in seeds:
        history = History(store, home, f"A{seed}.NS")
        play(history, random.Random(seed))  # noqa: S311 a seed, no secret

        assert_known_now_is_stored(history)
        rebuilt = in_order_of_fetch(history, f"B{seed}.NS")
        same = zip(raw_rows(history), raw_rows(rebuilt), strict=True)
        assert all(one.equals(other) for one, other in same), seed
        if not history.decided:
            assert stated(history).equals(stated(rebuilt)), seed
            assert clean_rows(history).equals(clean_rows(rebuilt)), seed
            assert_known_now_is_stored(history)
