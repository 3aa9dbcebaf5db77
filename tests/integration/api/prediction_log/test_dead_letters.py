"""Forecasts that the table refuses are kept in a file, for a person."""

import datetime as dt

import orjson
import pytest

from src.api.prediction_log.dead_letters import DeadLetters

AT = dt.datetime(2026, 4, 13, 12, 0, tzinfo=dt.UTC)
ROW = {"ticker": "TCS.NS", "feature_date": dt.date(2026, 4, 13), "point": 0.1 + 0.2}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "forecasts"


def test_each_is_a_line_with_its_values_the_time_and_the_reason(folder):
    dead_letters = DeadLetters(folder, "here")
    assert dead_letters.count() == 0

    assert dead_letters.add(ROW, "a reason", AT)
    assert DeadLetters(folder, "here").add(ROW, "another", AT)

    lines = [line for line in dead_letters.path.read_bytes().splitlines() if line]
    assert [orjson.loads(line) for line in lines] == [
        {
            "ticker": "TCS.NS",
            "feature_date": "2026-04-13",
            "point": 0.30000000000000004,
            "refused_at": "2026-04-13T12:00:00+00:00",
            "reason": reason,
        }
        for reason in ("a reason", "another")
    ]
    assert dead_letters.count() == 2


def test_none_are_left_once_the_file_was_moved_away(folder):
    dead_letters = DeadLetters(folder, "here")
    dead_letters.add(ROW, "a reason", AT)
    assert dead_letters.count() == 1

    dead_letters.path.rename(folder / "looked at")
    assert dead_letters.count() == 0
    dead_letters.add(ROW, "a reason", AT)
    assert dead_letters.count() == 1
