"""What was live when, and why: stories of events, the answers worked out by hand."""

import datetime as dt

import pytest

from src.core.model_events import ModelEvent
from src.registry.lifecycle.state import describe, format_event, live_states

DAY = dt.datetime(2026, 4, 13, 12, 30, tzinfo=dt.UTC)


def story(*steps, ticker="TCS.NS", horizon="short"):
    """Events one a day: ``"promoted a live"``, the digest being the letter."""
    events = []
    for number, words in enumerate(steps):
        kind, digest, *live = words.split()
        events.append(
            ModelEvent(
                kind,
                ticker,
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
    state = live_states(story(*steps)).get(("TCS.NS", "short"))
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
        state = live_states(events, at).get(("TCS.NS", "short"))
        return state and (state.live.kind, state.live.digest[0])

    assert live(0, hours=-1) is None
    assert live(0) == ("promoted", "a")
    assert live(1, hours=23) == ("promoted", "a")
    assert live(2) == ("undecided", "b")
    assert live(30) == ("rolled_back", "a")
    assert set(live_states(events, DAY)) == {("TCS.NS", "short")}


def test_the_order_of_writing_counts_when_events_are_handed_in_any_order():
    events = story("promoted a live", "undecided b live")

    assert live_states(events[::-1])["TCS.NS", "short"].live.digest[0] == "b"


def test_tickers_and_horizons_stand_apart():
    events = story("promoted a live") + story("promoted b live", horizon="long")

    assert {pair: one.live.digest[0] for pair, one in live_states(events).items()} == {
        ("TCS.NS", "short"): "a",
        ("TCS.NS", "long"): "b",
    }


def test_a_state_is_described_in_one_sentence():
    events = story("rolled_back b live", "pinned b")

    sentence = describe(live_states(events)["TCS.NS", "short"])

    assert sentence == (
        "TCS.NS short: zero from set bbbbbbbbbbbb, live since 2026-04-13 12:30:00 UTC, rolled back "
        "by run 7; pinned since 2026-04-14 12:30:00 UTC."
    )


def test_an_event_is_described_in_one_line():
    (event,) = story("promoted a live")

    assert format_event(event) == (
        "2026-04-13 12:30:00 UTC  TCS.NS short  promoted  set aaaaaaaaaaaa (live)  by run 7"
    )
