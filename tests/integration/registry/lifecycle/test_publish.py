"""New models over a real audit: what goes live, what a pin holds back, what a kill leaves."""

import os
import shutil
import threading

import psycopg
import pytest

from src.core.errors import BadInput
from src.registry.storage.artifact import CorruptArtifact
from src.registry.storage.artifact_store import ArtifactStore
from tests.support.models import both_horizons, killed_at_step, make_artifact, winner
from tests.support.registries import Place, author

NSE, BSE = "NSE", "BSE"
HORIZONS = ("short", "long")


def live(place, pool=NSE, horizon="short"):
    """The data hash of the set that the audit says is live."""
    return place.live()[pool, horizon].data_hash


def stored_sets(place, pool=NSE, horizon="short"):
    return {path.name for path in (place.models / pool / horizon).iterdir()}


def rows(place):
    """What a callback wrote: pool, horizon and digest."""
    with psycopg.connect(place.url) as connection:
        sql = "SELECT pool, horizon, digest FROM pool_inputs ORDER BY horizon"
        return connection.execute(sql).fetchall()


def writing(connection, fail=False):
    """A callback that writes a row for each live model, over the connection of the audit."""

    def write(live):
        for artifact in live:
            with open(os.devnull, "wb"):
                connection.execute(
                    "INSERT INTO pool_inputs VALUES (%s, %s, %s, '2026-04-13', '{}', now())",
                    (*artifact.pair, artifact.digest),
                )
        if fail:
            raise RuntimeError("no room")

    return write


def publish_with_rows(place, artifacts, days=0, **options):
    def publish(registry):
        also = writing(registry.models.log._connection, **options)
        return registry.models.publish(artifacts, author(days), also)

    return place.connected(publish)


def test_what_models_need_is_written_in_the_step_that_makes_them_live(place):
    stored = publish_with_rows(place, both_horizons())

    assert rows(place) == [(*one.pair, one.digest) for one in reversed(stored)]


def test_what_cannot_be_written_makes_nothing_live(place):
    place.publish(both_horizons(data_hash="one"))

    with pytest.raises(RuntimeError):
        publish_with_rows(place, both_horizons(data_hash="two"), days=1, fail=True)

    assert (live(place), live(place, horizon="long"), rows(place)) == ("one", "one", [])


def test_where_a_pinned_model_stays_live_its_needs_are_written(place):
    pinned = place.publish(both_horizons(data_hash="one"))
    place.version("v1", days=1)
    place.publish(both_horizons(data_hash="two"), days=2)
    place.roll_back("v1", days=3)

    publish_with_rows(place, both_horizons(data_hash="three"), days=4)

    assert {digest for *_, digest in rows(place)} == {one.digest for one in pinned}


def test_a_publication_killed_at_any_step_leaves_models_with_what_they_need(place):
    seen = []
    for step in range(1, 300):
        new = both_horizons(data_hash=f"{step}")
        killed = killed_at_step(step, lambda new=new: publish_with_rows(place, new))
        states = place.states()
        live_digests = [states[NSE, h].live.digest for h in ("long", "short") if (NSE, h) in states]
        assert set(live_digests) <= {digest for *_, digest in rows(place)}
        seen.append(len(live_digests))
        if not killed:
            break

    assert not killed
    assert set(seen) == {0, 2}


def test_both_horizons_go_live_with_the_reason_in_the_audit(place):
    stored = place.publish(both_horizons(data_hash="one"))

    assert [place.live()[NSE, h].digest for h in HORIZONS] == [one.digest for one in stored]
    assert [(e.kind, e.horizon, e.made_live) for e in place.events()] == [
        ("trained", "short", False),
        ("undecided", "short", True),
        ("trained", "long", False),
        ("undecided", "long", True),
    ]
    assert {event.reason for event in place.events()} == {"t = .4 after 479 sessions"}


def test_a_pinned_model_stays_until_a_later_win_of_the_gate(place):
    place.publish(both_horizons(data_hash="one"))
    place.version("v1", days=1)
    place.publish(both_horizons(data_hash="two"), days=2)
    place.roll_back("v1", days=3)

    place.publish(both_horizons(data_hash="three"), days=4)
    assert live(place) == "one"
    place.publish([winner(data_hash="four", since="2026-04-20")], days=7)

    assert live(place) == "four"
    assert live(place, horizon="long") == "one"


def test_the_set_before_is_kept_for_its_readers_and_older_ones_go(place):
    digests = [place.publish([make_artifact(trials=n)], days=n)[0].digest for n in (1, 2, 3)]

    assert stored_sets(place) == set(digests[1:])


def test_a_pinned_set_is_kept_however_many_are_trained_after_it(place):
    (pinned,) = place.publish([make_artifact(trials=1)])
    place.version("v1", days=1)
    place.roll_back("v1", days=1)

    digests = [place.publish([make_artifact(trials=n)], days=n)[0].digest for n in (2, 3, 4)]

    assert stored_sets(place) == {pinned.digest, digests[-1]}


def test_a_pool_that_is_no_directory_name_is_refused_before_anything_is_stored(place):
    with pytest.raises(BadInput):
        place.publish([make_artifact(), make_artifact(pool="../x")])

    assert not place.models.exists()
    assert place.events() == []


def test_of_two_promotions_at_once_one_is_live_at_both_horizons(place):
    def promote(name):
        for number in range(5):
            place.publish(both_horizons(data_hash=f"{name}{number}"))

    writers = [threading.Thread(target=promote, args=(name,)) for name in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert live(place) in ("a4", "b4")
    assert live(place, horizon="long") == live(place)


def test_two_pools_at_once_are_both_live(place):
    threads = [
        threading.Thread(target=place.publish, args=(both_horizons(pool),)) for pool in (NSE, BSE)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(place.live()) == {(pool, h) for pool in (NSE, BSE) for h in HORIZONS}


def test_a_publication_killed_at_any_step_leaves_the_old_models_or_the_new(place):
    seen = []
    for step in range(1, 300):
        place.publish(both_horizons(data_hash="old"))
        new = both_horizons(data_hash=f"new {step}")
        killed = killed_at_step(step, lambda new=new: place.publish(new, days=1))
        short, long = (live(place, horizon=h).split()[0] for h in HORIZONS)
        assert short == long
        seen.append(short)
        if not killed:
            break

    assert not killed
    # Nothing of the new sets is live before all of it is on the disk and in the audit.
    assert seen == ["old"] * seen.count("old") + ["new"] * seen.count("new")
    assert seen.count("old") > 10


def test_sets_that_a_killed_publication_left_are_removed_by_the_next(place):
    (old,) = place.publish([make_artifact(data_hash="old")])
    for step in range(1, 100):
        killed = killed_at_step(
            step, lambda: place.publish([make_artifact(data_hash="orphan")], days=1)
        )
        if len(stored_sets(place)) > 1:
            break
    assert killed
    assert live(place) == "old"

    (new,) = place.publish([make_artifact(data_hash="new")], days=2)

    assert stored_sets(place) == {old.digest, new.digest}
    assert not list(place.models.rglob(".new-*"))


def test_a_first_publication_killed_at_any_step_leaves_none_or_whole_ones(database_url, home):
    for step in range(1, 300):
        place, pool = Place(database_url, home / str(step)), f"P{step}"
        killed = killed_at_step(
            step, lambda place=place, pool=pool: place.publish(both_horizons(pool))
        )
        states = [pair for pair in place.states() if pair[0] == pool]
        assert len(states) == (0 if killed and not states else 2)
        for pair in states:
            digest = place.states()[pair].live.digest
            assert ArtifactStore(place.models).load(*pair, digest).pair == pair
        if not killed:
            break

    assert not killed
    assert step > 10


def test_a_reader_sees_whole_sets_while_writers_replace_them(place):
    place.publish(both_horizons(data_hash="0"))
    stop = threading.Event()

    def write():
        for number in range(1, 10):
            place.publish(both_horizons(data_hash=f"{number}"), days=number)
        stop.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not stop.is_set():
        states = place.states()
        short, long = (states[NSE, h].live.evidence for h in HORIZONS)
        assert short == long
    writer.join()
    assert live(place) == "9"


def test_publishing_what_is_live_already_is_no_event(place):
    place.publish(both_horizons())
    before = place.events()

    place.publish(both_horizons(), days=1)

    assert place.events() == before


def test_a_file_that_named_live_sets_before_the_audit_did_is_not_looked_at(place):
    place.publish(both_horizons(data_hash="one"))
    (place.models / "CURRENT").write_text("{")

    place.publish(both_horizons(data_hash="two"), days=1)
    place.version("v1", days=2)
    place.roll_back("v1", days=3)

    assert live(place) == "two"
    assert (place.models / "CURRENT").read_text() == "{"


def test_a_live_set_that_is_not_on_the_disk_is_refused_until_the_next_training(place):
    """As when an older backup of the database, or no backup of the models, was restored."""
    place.publish(both_horizons(data_hash="one"))
    shutil.rmtree(place.models)

    with pytest.raises(CorruptArtifact, match=r"The live model \w+ is missing from .*/short"):
        place.connected(lambda registry: registry.models.load(NSE, "short"))
    place.publish(both_horizons(data_hash="two"), days=1)

    assert live(place) == "two"
