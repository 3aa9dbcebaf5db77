"""What was live when, and why: stories of events, the answers worked out by hand."""

import datetime as dt
from dataclasses import replace

import pytest

from src.core.model_events import ModelEvent
from src.registry.lifecycle.state import back_to_zero, describe, format_event, live_states

DAY = dt.datetime(2026, 4, 13, 12, 30, tzinfo=dt.UTC)


def story(*steps, pool="NSE", horizon="short"):
    """Events one a day: ``"promoted a live"``, the digest being the letter."""
    events = []
    for number, words in enumerate(steps):
        kind, digest, *live = words.split()
        events.append(
            ModelEvent(
                kind,
                pool,
                horizon,
                digest * 64,
                "run 7",
                DAY + dt.timedelta(days=number),
                made_live=live == ["live"],
                served="ridge" if kind == "promoted" else "zero",
                event_id=number + 1,
            )
        )
    return events


def live_and_pinned(*steps):
    """The live digest and, after a plus, the pinned one, at the end of the story."""
    state = live_states(story(*steps)).get(("NSE", "short"))
    if state is None:
        return ""
    return state.live.digest[0] + ("+" + state.pinned.digest[0] if state.pinned else "")


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((), ""),
        (("trained a",), ""),
        (("trained a", "undecided a live"), "a"),
        (("promoted a live", "trained b", "undecided b live"), "b"),
        (("promoted a live", "versioned a", "rejected b"), "a"),
        (("promoted a live", "rolled_back b live", "pinned b"), "b+b"),
        (("rolled_back b live", "pinned b", "trained c", "undecided c"), "b+b"),
        (("rolled_back b live", "pinned b", "promoted c live"), "c"),
        (("rolled_back b live", "pinned b", "unpinned b"), "b"),
        (("pinned b", "rolled_back c live"), "c"),
        (("rolled_back b live", "pinned b", "rolled_back c live", "pinned c"), "c+c"),
    ],
    ids=", ".join,
)
def test_the_last_set_made_live_stands_and_a_pin_until_a_win_or_unpin(steps, expected):
    assert live_and_pinned(*steps) == expected


def test_a_time_sees_only_what_had_happened_by_then():
    events = story("promoted a live", "trained b", "undecided b live", "rolled_back a live")

    def live(days, hours=0):
        at = DAY + dt.timedelta(days=days, hours=hours)
        state = live_states(events, at).get(("NSE", "short"))
        return state and (state.live.kind, state.live.digest[0])

    assert live(0, hours=-1) is None
    assert live(0) == ("promoted", "a")
    assert live(1, hours=23) == ("promoted", "a")
    assert live(2) == ("undecided", "b")
    assert live(30) == ("rolled_back", "a")
    assert set(live_states(events, DAY)) == {("NSE", "short")}


def test_the_order_of_writing_counts_when_events_are_handed_in_any_order():
    events = story("promoted a live", "undecided b live")

    assert live_states(events[::-1])["NSE", "short"].live.digest[0] == "b"


def test_pools_and_horizons_stand_apart():
    events = story("promoted a live") + story("promoted b live", horizon="long")

    assert {pair: one.live.digest[0] for pair, one in live_states(events).items()} == {
        ("NSE", "short"): "a",
        ("NSE", "long"): "b",
    }


def test_sets_of_single_tickers_were_live_until_models_came_to_belong_to_pools():
    of_ticker = [
        replace(event, pool="", ticker="TCS.NS") for event in story("promoted a live", "pinned a")
    ]
    migrated = replace(story("migrated a")[0], at=DAY + dt.timedelta(days=5), event_id=9)
    events = [*of_ticker, migrated]

    before = live_states(events, DAY + dt.timedelta(days=4))["TCS.NS", "short"]

    assert (before.live.digest[0], before.pinned is not None) == ("a", True)
    assert describe(before).startswith("TCS.NS short: ridge from set aaaaaaaaaaaa, live since")
    assert live_states(events) == {}


def test_a_state_is_described_in_one_sentence():
    events = story("rolled_back b live", "pinned b")

    sentence = describe(live_states(events)["NSE", "short"])

    assert sentence == (
        "NSE short: zero from set bbbbbbbbbbbb, live since 2026-04-13 12:30:00 UTC, rolled back "
        "by run 7; pinned since 2026-04-14 12:30:00 UTC."
    )


def test_a_state_names_the_trial_whose_challenger_is_pinned():
    events = [
        replace(event, version_tag="trial:0123456789ab")
        for event in story("promoted a live", "pinned a")
    ]

    assert describe(live_states(events)["NSE", "short"]).endswith(
        "; pinned with the challenger of trial 0123456789ab since 2026-04-14 12:30:00 UTC."
    )


def test_an_event_is_described_in_one_line():
    (event,) = story("promoted a live")

    assert format_event(event) == (
        "2026-04-13 12:30:00 UTC  NSE short  promoted  set aaaaaaaaaaaa (live)  by run 7"
    )


def decisions(*steps):
    """Live sets one a day: what each serves, its session of decision, and its kind."""
    events = []
    for number, (served, since, kind) in enumerate(steps):
        event = ModelEvent(
            kind,
            *("NSE", "short", f"{number:064}", "run 7", DAY + dt.timedelta(days=number)),
            made_live=kind != "migrated",
            served=served,
            evidence={"since": since},
            event_id=number + 1,
        )
        events.append(event)
    return events


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((), None),
        ((("zero", "", "trained"),), None),
        ((("ridge", "2026-04-01", "trained"), ("ridge", "2026-04-01", "trained")), None),
        ((("ridge", "2026-04-01", "trained"), ("zero", "2026-04-14", "trained")), "2026-04-14"),
        # A model that could not be stored any longer lost nothing.
        ((("ridge", "2026-04-01", "trained"), ("zero", "", "trained")), None),
        ((("ridge", "2026-04-01", "trained"), ("zero", "", "rolled_back")), "2026-04-14"),
        # A trial may find zero better than what was promoted.
        ((("ridge", "2026-04-01", "trained"), ("zero", "", "promoted")), "2026-04-14"),
        # From zero to zero is no way back.
        ((("zero", "", "trained"), ("zero", "", "rolled_back")), None),
        (
            (
                ("ridge", "2026-04-01", "trained"),
                ("zero", "", "rolled_back"),
                ("zero", "", "rolled_back"),
                ("zero", "2026-04-14", "trained"),
                ("ridge", "2026-09-01", "trained"),
            ),
            "2026-04-14",
        ),
        ((("zero", "2026-03-03", "migrated"), ("zero", "2026-03-03", "trained")), "2026-03-03"),
        ((("drift", "2026-03-03", "migrated"), ("zero", "2026-04-14", "trained")), "2026-04-14"),
        ((("drift", "2026-03-03", "migrated"), ("drift", "2026-03-03", "trained")), None),
    ],
)
def test_the_last_way_back_from_a_promoted_model_to_zero(steps, expected):
    day = back_to_zero(decisions(*steps))

    assert (day and day.isoformat()) == expected


def test_a_decision_is_read_from_the_event_of_the_training():
    """The verdict's event, which makes the set live, has no evidence of its own."""
    first, second = decisions(("ridge", "2026-04-01", "trained"), ("zero", "x", "rejected"))
    trained = replace(second, kind="trained", made_live=False, evidence={"since": "2026-04-20"})
    verdict = replace(second, evidence={})

    assert back_to_zero([first, trained, verdict]) == dt.date(2026, 4, 20)
