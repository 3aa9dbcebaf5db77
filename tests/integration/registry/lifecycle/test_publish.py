"""New models over a real audit: what goes live, what a pin holds back, what a kill leaves."""

import json
import threading

import pytest

from src.core.errors import BadInput
from src.registry.lifecycle.state import standings
from src.registry.storage.artifact_store import load, load_all, save_all
from tests.support.models import both, dies_at, made, winner

TCS = "TCS.NS"
HORIZONS = ("short", "long")


def live(place, ticker=TCS, horizon="short"):
    """The live data hash as the audit has it, and as CURRENT has it."""
    standing = standings(place.events())[ticker, horizon]
    audited = load(place.models, ticker, horizon, expected=standing.live.digest)
    return audited.data_hash, load(place.models, ticker, horizon).data_hash


def test_both_horizons_go_live_with_the_reason_in_the_audit(place):
    stored = place.publish(both(data_hash="one"))

    loaded = load_all(place.models, TCS)
    assert [loaded[h].digest for h in ("short", "long")] == [one.digest for one in stored]
    assert [(e.kind, e.horizon, e.made_live) for e in place.events()] == [
        ("trained", "short", False),
        ("undecided", "short", True),
        ("trained", "long", False),
        ("undecided", "long", True),
    ]
    assert {event.reason for event in place.events()} == {"t = .4 after 479 sessions"}


def test_a_pinned_model_stays_until_a_later_win_of_the_gate(place):
    place.publish(both(data_hash="one"))
    place.version("v1", days=1)
    place.publish(both(data_hash="two"), days=2)
    place.roll_back("v1", days=3)

    place.publish(both(data_hash="three"), days=4)
    assert live(place) == ("one", "one")
    place.publish([winner(data_hash="four", since="2026-04-20")], days=7)

    assert live(place) == ("four", "four")
    assert live(place, horizon="long") == ("one", "one")


def test_the_set_before_is_kept_for_its_readers_and_older_ones_go(place):
    digests = [place.publish([made(trials=n)], days=n)[0].digest for n in (1, 2, 3)]

    kept = {path.name for path in (place.models / TCS / "short").iterdir()}
    assert kept == set(digests[1:])


def test_neither_the_set_of_the_audit_nor_that_of_current_goes_while_they_differ(place):
    (one,) = place.publish([made(trials=1)])
    before = (place.models / "CURRENT").read_bytes()
    (two,) = place.publish([made(trials=2)], days=1)
    (place.models / "CURRENT").write_bytes(before)

    (three,) = place.publish([made(trials=3)], days=2)

    kept = {path.name for path in (place.models / TCS / "short").iterdir()}
    assert kept == {one.digest, two.digest, three.digest}


def test_a_ticker_that_is_no_directory_name_is_refused_before_anything_is_stored(place):
    with pytest.raises(BadInput):
        place.publish([made(), made(ticker="../x")])

    assert not place.models.exists()
    assert place.events() == []


def test_two_promotions_at_once_agree_with_the_audit_in_the_end(place):
    def promote(name):
        for number in range(5):
            place.publish(both(data_hash=f"{name}{number}"))

    writers = [threading.Thread(target=promote, args=(name,)) for name in "ab"]
    for one in writers:
        one.start()
    for one in writers:
        one.join()

    audited, pointed = live(place)
    assert audited == pointed
    assert audited in ("a4", "b4")
    assert live(place, horizon="long") == (audited, audited)


def test_two_tickers_at_once_are_both_live(place):
    threads = [
        threading.Thread(target=place.publish, args=(both(ticker),)) for ticker in (TCS, "INFY.NS")
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert [load(place.models, t, "long").ticker for t in (TCS, "INFY.NS")] == [TCS, "INFY.NS"]


def test_a_publication_killed_at_any_step_leaves_the_old_models_or_the_new(place):
    for step in range(1, 300):
        place.publish(both(data_hash="old"))
        new = both(data_hash=f"new {step}")
        killed = dies_at(step, lambda new=new: place.publish(new, days=1))
        short, long = ([name.split()[0] for name in live(place, horizon=h)] for h in HORIZONS)
        # The audit may be ahead of CURRENT, never behind it.
        assert short in (["old", "old"], ["new", "old"], ["new", "new"])
        assert short == long
        if not killed:
            break

    assert not killed
    assert short == ["new", "new"]


def test_publishing_what_is_live_already_is_no_event(place):
    place.publish(both())
    before = place.events()

    place.publish(both(), days=1)

    assert place.events() == before


def test_a_damaged_current_is_made_anew_from_the_audit(place):
    place.publish([*both(), *both("INFY.NS")])
    (place.models / "CURRENT").write_text("{")

    place.publish(both(data_hash="two"), days=1)

    assert live(place) == ("two", "two")
    assert live(place, "INFY.NS") == ("d" * 64, "d" * 64)


def test_models_from_before_the_audit_stay_live_beside_new_ones(place):
    save_all(place.models, both("INFY.NS", data_hash="old"))

    place.publish(both())

    current = json.loads((place.models / "CURRENT").read_text())
    assert set(current) == {TCS, "INFY.NS"}
    assert load(place.models, "INFY.NS", "short").data_hash == "old"
