import datetime as dt

import pytest

from src.core.model_events import (
    ModelEvent,
    is_of_trial,
    pin_end,
    pinned_name,
    trial_tag,
)

AT = dt.datetime(2026, 4, 13, tzinfo=dt.UTC)


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="'renamed' is not a kind"):
        ModelEvent("renamed", "TCS.NS", "short", "a" * 64, "a test", AT)


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="has no time zone"):
        ModelEvent("trained", "TCS.NS", "short", "a" * 64, "a test", AT.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("tag", "is_trial", "name", "end"),
    [
        (
            *("v1.0", False, "version v1.0"),
            "until the gate promotes another model or `unpin` is run",
        ),
        # A version may be called so.
        (
            *("trial-7", False, "version trial-7"),
            "until the gate promotes another model or `unpin` is run",
        ),
        (
            *(trial_tag("0123456789abcdef" * 4), True, "the challenger of trial 0123456789ab"),
            "until another trial is promoted, a rollback or `unpin`",
        ),
    ],
)
def test_a_pin_is_named_by_whoever_made_it(tag, is_trial, name, end):
    assert (is_of_trial(tag), pinned_name(tag), pin_end(tag)) == (is_trial, name, end)


def test_without_a_tag_a_pin_is_no_trial_s():
    assert not is_of_trial(None)
