"""What follows from training, a rollback and unpin: the kinds of events, and what goes live."""

import datetime as dt
from dataclasses import replace

import pytest

from src.core.model_events import ModelEvent
from src.registry.lifecycle.events import (
    Author,
    after_rollback,
    after_training,
    after_trial,
    after_unpin,
    versioned,
)
from src.registry.lifecycle.state import LiveState, live_states
from tests.support.models import make_artifact, winner

AT = dt.datetime(2026, 4, 13, 12, 30, tzinfo=dt.UTC)
AUTHOR = Author("run 7", AT)
OLD, NEW = "a" * 64, "b" * 64


def state(served="zero", *, pinned=False, digest=OLD, tag=None):
    live = ModelEvent(
        "promoted", "NSE", "short", digest, "run 6", AT, made_live=True, served=served
    )
    pin = replace(live, kind="pinned", made_live=False, version_tag=tag)
    return LiveState(live, pin if pinned else None)


def kinds_of(artifact, before):
    """The kinds of events after training, a star where the set goes live."""
    events = after_training(replace(artifact, digest=NEW), before, None, AUTHOR)
    return [one.kind + "*" * one.made_live for one in events]


@pytest.mark.parametrize(
    ("artifact", "before", "expected"),
    [
        (make_artifact(verdict="undecided"), None, ["trained", "undecided*"]),
        (make_artifact(verdict="none"), None, ["trained", "undecided*"]),
        (make_artifact(verdict="worse"), state(), ["trained", "rejected*"]),
        (winner(), None, ["trained", "promoted*"]),
        (winner(), state(), ["trained", "promoted*"]),
        (winner(), state("ridge"), ["trained*"]),
        (winner(), state("drift"), ["trained", "promoted*", "demoted"]),
        (make_artifact(verdict="undecided"), state("ridge"), ["trained", "undecided*", "demoted"]),
        (make_artifact(verdict="worse"), state(pinned=True), ["trained", "rejected"]),
        (make_artifact(verdict="undecided"), state("ridge", pinned=True), ["trained", "undecided"]),
        (winner(), state(pinned=True), ["trained", "promoted*"]),
        (winner(since="2026-04-13"), state(pinned=True), ["trained"]),
        (winner(since="2025-01-01"), state("ridge", pinned=True), ["trained"]),
        (winner(), state("drift", pinned=True, tag="v1"), ["trained", "promoted*", "demoted"]),
        (winner(), state("drift", pinned=True, tag="trial:0123456789ab"), ["trained"]),
    ],
)
def test_training_makes_live_what_may_be_and_says_what_changed(artifact, before, expected):
    assert kinds_of(artifact, before) == expected


@pytest.mark.parametrize(
    ("newest", "kinds"), [(None, []), (NEW, []), (OLD, ["trained"])], ids=["none", "it", "another"]
)
def test_what_is_live_already_is_no_event_unless_another_was_trained_since(newest, kinds):
    live = state(digest=NEW, pinned=True)
    trained = newest and replace(live.live, kind="trained", digest=newest)

    events = after_training(replace(make_artifact(), digest=NEW), live, trained, AUTHOR)

    assert [(event.kind, event.made_live) for event in events] == [(kind, False) for kind in kinds]


def test_an_event_says_what_it_rests_on():
    trained, promoted = after_training(replace(winner(), digest=NEW), None, None, AUTHOR)

    assert trained.evidence["metrics"] == [
        {"name": "zero", "mae": 0.0094, "skill_vs_zero": 0.0, "r2": None}
    ]
    assert (trained.evidence["trials"], trained.evidence["data_hash"]) == (3, "d" * 64)
    assert (trained.evidence["tickers"], trained.evidence["session"]) == (141, "2025-11-14")
    assert trained.evidence["fitted_through"] == "2025-11-06"
    assert (promoted.digest, promoted.served, promoted.verdict) == (NEW, "ridge", "better")
    assert (promoted.reason, promoted.by_whom, promoted.at) == ("p = .004", "run 7", AT)


def test_who_lost_its_place_is_named_with_what_took_it():
    *_, lost = after_training(replace(make_artifact(), digest=NEW), state("ridge"), None, AUTHOR)

    assert (lost.digest, lost.served, lost.reason) == (OLD, "ridge", "zero is served instead")


def test_a_set_held_back_by_a_pin_says_so():
    *_, event = after_training(
        replace(make_artifact(reason=""), digest=NEW), state(pinned=True), None, AUTHOR
    )

    assert event.reason == "the live model is pinned"


@pytest.mark.parametrize(
    ("before", "kinds"),
    [
        (None, ["rolled_back", "pinned"]),
        (state(), ["rolled_back", "pinned"]),
        (state(pinned=True), ["rolled_back", "pinned"]),
        (state(digest=NEW), ["pinned"]),
        (state(digest=NEW, pinned=True), []),
    ],
)
def test_a_rollback_restores_and_pins_what_is_not_so_already(before, kinds):
    events = after_rollback(replace(make_artifact(), digest=NEW), before, AUTHOR, "v1")

    assert [one.kind for one in events] == kinds
    assert {one.version_tag for one in events} <= {"v1"}
    assert [one.kind for one in events if one.made_live] == kinds[: len(kinds) - 1]


def test_unpin_ends_the_pins_there_are():
    (event,) = after_unpin([state(), state(pinned=True)], AUTHOR)

    assert (event.kind, event.digest, event.made_live) == ("unpinned", OLD, False)


def test_a_version_is_noted_with_the_digest_of_its_manifest():
    event = versioned(replace(make_artifact(), digest=NEW), AUTHOR, "v1", "f" * 64)

    assert (event.kind, event.version_tag, event.made_live) == ("versioned", "v1", False)
    assert event.evidence == {"version_manifest": "f" * 64}


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (None, ["promoted*", "pinned"]),
        (state(), ["promoted*", "pinned"]),
        (state("ridge", pinned=True), ["promoted*", "pinned"]),
        (state("drift"), ["promoted*", "demoted", "pinned"]),
    ],
)
def test_a_trial_makes_its_challenger_live_and_pins_it(before, expected):
    challenger = winner(digest=NEW, reason="trial 0123456789ab: better after 300 sessions")
    events = after_trial(challenger, before, AUTHOR, "trial:0123456789ab", "as agreed")

    assert [one.kind + "*" * one.made_live for one in events] == expected
    for one in (events[0], events[-1]):
        assert (one.digest, one.version_tag) == (NEW, "trial:0123456789ab")
        assert one.reason == "trial 0123456789ab: better after 300 sessions; as agreed"
    live = live_states([replace(one, event_id=n) for n, one in enumerate(events)])
    assert live["NSE", "short"].live.digest == NEW
    assert live["NSE", "short"].pinned is not None
