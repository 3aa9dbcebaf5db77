import datetime as dt

import pytest

from src.core.model_events import ModelEvent

AT = dt.datetime(2026, 4, 13, tzinfo=dt.UTC)


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="'renamed' is not a kind"):
        ModelEvent("renamed", "TCS.NS", "short", "a" * 64, "a test", AT)


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="has no time zone"):
        ModelEvent("trained", "TCS.NS", "short", "a" * 64, "a test", AT.replace(tzinfo=None))
