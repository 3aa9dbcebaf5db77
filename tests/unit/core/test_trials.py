import datetime as dt
import hashlib
import json
from dataclasses import replace

import pytest

from src.core.trials import TrialRefused, check_rules, count_configurations
from tests.support.trials import AT, registered_trial

# Written by hand: what is hashed must never change, or no stored trial could be read again.
CANONICAL = (
    '{"author":"A. Rao","challenger":"ridge","configurations":1,"horizon":"short",'
    '"look_every":21,"loss":"absolute","max_sessions":504,"pool":"NSE","promotes":false,'
    '"reason":"the ridge looked good on paper","reference":"zero",'
    '"registered_at":"2026-04-13T12:30:15.250000+00:00","sessions":1,"settings":{},'
    '"smallest_effect":0.005,"tickers":[]}'
)


def test_a_trial_is_named_by_the_hash_of_all_that_was_registered():
    trial = registered_trial()
    expected = hashlib.sha256(CANONICAL.encode()).hexdigest()
    assert trial.hash == expected
    assert trial.candidate_version == hashlib.sha256(f"{expected}\nridge".encode()).hexdigest()
    assert set(json.loads(CANONICAL)) == set(vars(registered_trial())) - {"hash"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pool", "BSE"),
        ("horizon", "long"),
        ("sessions", 2),
        ("challenger", "mean"),
        ("settings", {"refit_every": 21}),
        ("reference", "live"),
        ("tickers", ("TCS.NS",)),
        ("loss", "squared"),
        ("smallest_effect", 0.01),
        ("look_every", 5),
        ("max_sessions", 252),
        ("promotes", True),
        ("author", "B. Iyer"),
        ("reason", "another"),
        ("registered_at", AT + dt.timedelta(microseconds=1)),
        ("configurations", 2),
    ],
)
def test_every_field_changes_the_hash(name, value):
    assert replace(registered_trial(), **{name: value}).hash != registered_trial().hash


def test_the_zone_in_which_a_time_is_written_changes_nothing():
    india = dt.timezone(dt.timedelta(hours=5.5))
    assert replace(registered_trial(), registered_at=AT.astimezone(india)).hash == (
        registered_trial().hash
    )


@pytest.mark.parametrize(("challenger", "is_set"), [("ridge", False), ("a1" * 32, True)])
def test_a_challenger_of_64_hexadecimal_digits_is_a_model_set(challenger, is_set):
    assert registered_trial(challenger=challenger).is_model_set is is_set


def test_trials_of_the_same_place_in_the_three_years_before_count():
    def years_before(years, **changes):
        return registered_trial(registered_at=AT.replace(year=AT.year - years), **changes)

    earlier = [
        years_before(1),
        years_before(3),
        registered_trial(registered_at=AT.replace(year=AT.year - 3) - dt.timedelta(seconds=1)),
        years_before(1, horizon="long"),
        years_before(1, pool="BSE"),
        years_before(-1),
    ]
    assert count_configurations([], "NSE", "short", AT) == 1
    assert count_configurations(earlier, "NSE", "short", AT) == 3
    leap_day = dt.datetime(2028, 2, 29, tzinfo=dt.UTC)
    assert count_configurations([years_before(0)], "NSE", "short", leap_day) == 2


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"reference": "mean"}, "There is no reference 'mean': give live or zero."),
        ({"loss": "log"}, "There is no loss 'log': give absolute or squared."),
        (
            {"smallest_effect": 0.0},
            "The smallest effect 0 is out of range: give a relative gain between 0.0001 and 0.5, "
            "such as 0.005 for half a percent.",
        ),
        (
            {"smallest_effect": float("nan")},
            "The smallest effect nan is out of range: give a relative gain between 0.0001 and "
            "0.5, such as 0.005 for half a percent.",
        ),
        (
            {"look_every": 0},
            "0 sessions from look to look are out of range: give a number between 1 and 252.",
        ),
        (
            {"max_sessions": 2521},
            "2521 sessions at most are out of range: give a number between 250 and 2520.",
        ),
        ({"author": " "}, "The author is missing: say who decides, and why."),
        ({"reason": ""}, "The reason is missing: say who decides, and why."),
        ({"author": "\xa0"}, "The author is missing: say who decides, and why."),
        (
            {"author": "x" * 501},
            f"The author '{'x' * 32}…' cannot be kept: give one line of at most 500 characters.",
        ),
        (
            {"reason": " begins with a blank"},
            "The reason ' begins with a blank' cannot be kept: give one line of at most 500 "
            "characters.",
        ),
        (
            {"reason": "two\nlines"},
            r"The reason 'two\nlines' cannot be kept: give one line of at most 500 characters.",
        ),
    ],
)
def test_values_that_no_trial_can_have_are_refused_in_one_sentence(changes, sentence):
    with pytest.raises(TrialRefused) as refused:
        check_rules(registered_trial(**changes))
    assert str(refused.value) == sentence


def test_the_limits_themselves_are_allowed():
    check_rules(registered_trial(smallest_effect=0.0001, look_every=1, max_sessions=250))
    check_rules(registered_trial(smallest_effect=0.5, look_every=252, max_sessions=2520))
