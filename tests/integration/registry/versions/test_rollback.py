"""Versions and rollback over a real audit: whole or refused, in one step, finished when rerun."""

import datetime as dt
import json
import os
import pickle
import shutil
import threading
from hashlib import sha256
from pathlib import Path

import pytest

from src.core.errors import BadInput, UsageError
from src.registry.lifecycle.state import live_states
from src.registry.storage.artifact import CorruptArtifact, NoModel
from src.registry.versions.archive import VersionArchive
from src.registry.versions.manifest import NoVersion, TagUsed, VersionExists
from src.registry.versions.signatures import sign_all
from tests.support.models import (
    both_horizons,
    check_in_child,
    forged_set,
    killed_at_step,
    make_artifact,
    winner,
)
from tests.support.registries import DAY, Place, author, save

NSE, BSE = "NSE", "BSE"
KEY, NEW = b"sixteen letters!", b"another sixteen letters"


@pytest.fixture
def two_versions(place):
    """Version one with both pools' first models, version two with NSE's second; two is live."""
    place.publish([*both_horizons(data_hash="one"), *both_horizons(BSE, data_hash="one")])
    place.version("v1", days=1)
    place.publish(both_horizons(data_hash="two"), days=2)
    place.version("v2", days=3)
    return place


def live(place):
    """Data hashes by pool and horizon: of what the audit says is live."""
    return {pair: artifact.data_hash for pair, artifact in place.live().items()}


def tags(archive):
    return VersionArchive(archive).tags()


OF_V1 = {(t, h): "one" for t in (NSE, BSE) for h in ("short", "long")}
OF_V2 = OF_V1 | {(NSE, "short"): "two", (NSE, "long"): "two"}


class TestCycle:
    def test_version_train_again_rollback_and_look_back(self, two_versions):
        place = two_versions
        assert live(place) == OF_V2

        done = place.roll_back("v1", days=4)

        assert (done.changed, done.version.pools, done.left_alone) == (True, [BSE, NSE], [])
        assert live(place) == OF_V1

        def then(days):
            state = live_states(place.events(), author(days).at)[NSE, "short"]
            return state.live.kind, state.live.version_tag, state.pinned is not None

        assert then(1) == ("undecided", None, False)
        assert then(3) == ("undecided", None, False)
        assert then(4) == ("rolled_back", "v1", True)

    def test_versions_are_listed_newest_first(self, two_versions):
        assert tags(two_versions.archive) == ["v2", "v1"]
        # Made later, though its name sorts first.
        two_versions.version("a", days=4)
        assert tags(two_versions.archive) == ["a", "v2", "v1"]

    def test_a_version_is_all_live_models_with_a_digest_of_every_file(self, two_versions):
        folder = two_versions.archive / "v1"
        stated = json.loads((folder / "version.json").read_text())["files"]

        digests = {
            str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest()
            for path in folder.rglob("*")
            if path.is_file() and path.name != "version.json"
        }
        assert {name: file["sha256"] for name, file in stated.items()} == digests
        assert len(digests) == 2 * 2 * 3

    def test_a_version_does_not_share_its_bytes_with_the_live_models(self, two_versions):
        place = two_versions
        for file in place.models.rglob("*.safetensors"):
            file.write_bytes(b"")

        assert place.roll_back("v1", days=4).changed
        assert live(place) == OF_V1

    def test_restored_sets_come_back_though_they_were_pruned(self, two_versions):
        place = two_versions
        for number in range(3):
            place.publish(both_horizons(data_hash=f"more{number}"), days=4 + number)

        place.roll_back("v1", days=9)

        assert live(place) == OF_V1

    def test_restored_sets_are_the_same_byte_for_byte(self, place):
        stored = place.publish([winner(data_hash="one")])[0]
        folder = place.models / NSE / "short" / stored.digest
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        place.version("v1")
        shutil.rmtree(place.models)

        place.roll_back("v1", days=1)

        assert before.keys() == {"manifest.json", "model.safetensors", "forecasts.parquet"}
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before

    def test_a_pool_that_the_version_does_not_know_is_left_alone(self, two_versions):
        place = two_versions
        place.publish(both_horizons("XNYS", data_hash="three"), days=4)

        done = place.roll_back("v1", days=5)

        assert done.left_alone == ["XNYS"]
        assert live(place)["XNYS", "short"] == "three"
        assert place.states()["XNYS", "short"].pinned is None

    def test_rolling_back_twice_changes_nothing_more(self, two_versions):
        place = two_versions
        place.roll_back("v1", days=4)
        before = len(place.events())

        again = place.roll_back("v1", days=5)

        assert again.changed is False
        assert len(place.events()) == before

    def test_what_was_restored_is_pinned_until_unpin(self, two_versions):
        place = two_versions
        place.roll_back("v1", days=4)
        place.publish(both_horizons(data_hash="three"), days=5)
        assert live(place) == OF_V1

        horizons = place.connected(lambda registry: registry.unpin(NSE, author(6)))
        place.publish(both_horizons(data_hash="four"), days=7)

        assert horizons == ["long", "short"]
        assert live(place)[NSE, "short"] == "four"
        assert place.states()[BSE, "short"].pinned is not None

    def test_what_restored_models_need_is_written_in_the_step_that_makes_them_live(
        self, two_versions
    ):
        place, seen = two_versions, []

        def also(restored):
            # Not committed yet: others see what was live before.
            seen.append((sorted(one.data_hash for one in restored), live(place)))
            return "a sentence"

        done = place.roll_back("v1", days=4, also=also)

        assert done.missing_inputs == "a sentence"
        assert seen == [(["one"] * 4, OF_V2)]
        assert live(place) == OF_V1

    def test_a_rollback_that_cannot_be_completed_changes_nothing(self, two_versions):
        def also(restored):
            raise RuntimeError("no room")

        with pytest.raises(RuntimeError):
            two_versions.roll_back("v1", days=4, also=also)

        assert live(two_versions) == OF_V2

    def test_a_way_back_to_zero_outlives_its_pin(self, place):
        def since():
            ask = lambda registry: registry.models.back_to_zero_since(NSE, "short")  # noqa: E731
            return place.connected(ask)

        place.publish([make_artifact(data_hash="one")])
        place.version("v1")
        place.publish([winner(data_hash="two")], days=1)
        assert since() is None
        place.roll_back("v1", days=3)
        assert since() == dt.date(2026, 4, 16)
        place.connected(lambda registry: registry.unpin(NSE, author(4)))
        place.publish([winner(data_hash="three", since="2026-04-18")], days=5)

        assert since() == dt.date(2026, 4, 16)

    def test_nothing_pinned_is_nothing_to_unpin(self, two_versions):
        with pytest.raises(BadInput, match=r"NSE has no pinned model"):
            two_versions.connected(lambda registry: registry.unpin(NSE, author()))


class TestRefused:
    def test_of_two_that_make_one_version_at_once_one_is_refused(self, two_versions):
        results = []

        def make():
            try:
                results.append(two_versions.version("v3", days=4).tag)
            except VersionExists as error:
                results.append(str(error).split(":")[0])

        threads = [threading.Thread(target=make) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        message = "Version v3 exists already and is never overwritten"
        assert sorted(results) == [message, "v3"]
        assert two_versions.roll_back("v3", days=5).version.tag == "v3"

    def test_no_version_is_ever_overwritten(self, two_versions):
        before = (two_versions.archive / "v1" / "version.json").read_bytes()

        with pytest.raises(VersionExists, match="v1 exists already"):
            two_versions.version("v1", days=9)

        assert (two_versions.archive / "v1" / "version.json").read_bytes() == before

    def test_a_tag_is_not_used_again_for_other_models_though_its_folder_is_away(
        self, two_versions, tmp_path
    ):
        place = two_versions
        (place.archive / "v1").rename(tmp_path / "v1")
        before = place.events()

        with pytest.raises(
            TagUsed,
            match=r"^Version v1 was made of other models on 2026-04-14 and a tag is never used ",
        ):
            place.version("v1", days=9)

        assert place.events() == before
        assert tags(place.archive) == ["v2"]
        (tmp_path / "v1").rename(place.archive / "v1")
        place.roll_back("v1", days=10)
        assert live(place) == OF_V1

    def test_the_same_models_may_get_their_tag_again_as_after_a_kill(self, two_versions):
        shutil.rmtree(two_versions.archive / "v2")

        two_versions.version("v2", days=9)

        assert two_versions.roll_back("v2", days=10).version.tag == "v2"

    @pytest.mark.parametrize("tag", ["../x", "../../models", "/tmp/x", "", "a/../b"])
    def test_a_tag_that_is_a_path_is_wrong_usage(self, two_versions, tag):
        before = sorted(two_versions.home.rglob("*"))

        with pytest.raises(UsageError):
            two_versions.version(tag)
        with pytest.raises(UsageError):
            two_versions.roll_back(tag)

        assert sorted(two_versions.home.rglob("*")) == before

    def test_a_version_that_never_was_is_told_with_the_nearest_names(self, two_versions):
        with pytest.raises(NoVersion, match=r"There is no version 'v3': did you mean v2 or v1\?"):
            two_versions.roll_back("v3")

    def test_there_is_nothing_to_version_before_the_first_model(self, place):
        with pytest.raises(NoModel):
            place.version("v1")

        assert tags(place.archive) == []

    def test_a_damaged_live_model_is_not_kept_as_a_version(self, two_versions):
        digest = two_versions.states()[NSE, "short"].live.digest
        (two_versions.models / NSE / "short" / digest / "model.safetensors").write_bytes(b"")

        with pytest.raises(CorruptArtifact, match="not the file that was saved"):
            two_versions.version("v3", days=4)

        assert tags(two_versions.archive) == ["v2", "v1"]
        assert [e for e in two_versions.events() if e.version_tag == "v3"] == []


def assert_nothing_changes(place, match, tag="v1"):
    before, events = live(place), len(place.events())

    with pytest.raises(CorruptArtifact, match=match) as refused:
        place.roll_back(tag, days=4)

    assert "\n" not in str(refused.value)
    assert live(place) == before == OF_V2
    assert len(place.events()) == events


class TestTampered:
    @pytest.mark.parametrize(
        ("name", "which"),
        [
            ("version.json", 0),
            ("manifest.json", -1),
            ("model.safetensors", 0),
            ("forecasts.parquet", -1),
        ],
    )
    @pytest.mark.parametrize(
        "bend",
        [
            lambda path: path.write_bytes(path.read_bytes()[:-1]),
            lambda path: path.write_bytes(b""),
            lambda path: path.write_bytes(
                bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:]
            ),
            lambda path: path.unlink(),
            lambda path: path.rename(path.with_name("other")),
        ],
        ids=["truncated", "emptied", "changed", "removed", "renamed"],
    )
    def test_a_version_with_any_file_bent_changes_nothing(self, two_versions, name, bend, which):
        bend(sorted((two_versions.archive / "v1").rglob(name))[which])

        assert_nothing_changes(two_versions, "Version v1 (cannot be used|is not the one)")

    def test_a_file_too_many_is_refused(self, two_versions):
        (two_versions.archive / "v1" / NSE / "extra.pkl").write_bytes(b"x")

        assert_nothing_changes(two_versions, r"NSE/extra\.pkl does not belong to it")

    def test_a_link_out_of_the_archive_is_refused(self, two_versions, tmp_path):
        (folder,) = (two_versions.archive / "v1" / NSE / "short").iterdir()
        shutil.move(folder, tmp_path / "elsewhere")
        folder.symlink_to(tmp_path / "elsewhere")

        assert_nothing_changes(two_versions, "is not a regular file")

    def test_a_version_under_another_name_is_refused(self, two_versions):
        shutil.copytree(two_versions.archive / "v1", two_versions.archive / "v9")

        assert_nothing_changes(two_versions, "it was made as 'v1'", tag="v9")

    def test_a_pickle_whose_digests_all_agree_is_refused_and_never_run(self, two_versions):
        witness = two_versions.home / "executed"

        class Payload:
            def __reduce__(self):
                return (Path.touch, (witness,))

        smuggle(two_versions, pickle.dumps(Payload()))

        assert_nothing_changes(two_versions, "not the one that the audit recorded")
        assert not witness.exists()

    def test_a_model_whose_digests_all_agree_is_refused_by_the_audit(self, two_versions):
        (other,) = (two_versions.archive / "v1" / BSE / "short").iterdir()
        smuggle(two_versions, (other / "model.safetensors").read_bytes(), data_hash="forged")

        assert_nothing_changes(two_versions, "not the one that the audit recorded")

    def test_a_pickle_that_even_the_audit_vouches_for_is_refused_and_never_run(self, two_versions):
        witness = two_versions.home / "executed"

        class Payload:
            def __reduce__(self):
                return (Path.touch, (witness,))

        manifest = smuggle(two_versions, pickle.dumps(Payload()))
        recorded = next(e for e in two_versions.events() if e.version_tag == "v1")
        evidence = {"version_manifest": sha256(manifest).hexdigest()}
        vouched = type(recorded)(**vars(recorded) | {"evidence": evidence})
        two_versions.connected(lambda registry: registry.models.log.append([vouched]))

        assert_nothing_changes(two_versions, "deserializing")
        assert not witness.exists()


def smuggle(place, model, **changes):
    """Put other bytes into v1 with every digest in it made to agree; returns its manifest."""
    folder = place.archive / "v1"
    (old,) = (folder / NSE / "short").iterdir()
    digest = forged_set(old, model, **changes)
    shutil.rmtree(old)
    manifest = json.loads((folder / "version.json").read_text())
    files = {n: f for n, f in manifest["files"].items() if not n.startswith(f"{NSE}/short")}
    for path in (folder / NSE / "short" / digest).iterdir():
        data = path.read_bytes()
        files[f"{NSE}/short/{digest}/{path.name}"] = {
            "sha256": sha256(data).hexdigest(),
            "size": len(data),
        }
    body = json.dumps(manifest | {"files": files}).encode()
    (folder / "version.json").write_bytes(body)
    return body


class TestKilled:
    def test_a_rollback_killed_at_any_step_leaves_old_or_restored_and_can_be_finished(
        self, two_versions
    ):
        place = two_versions
        seen = []

        for step in range(1, 400):
            target, other = ("v1", "v2") if step % 2 else ("v2", "v1")
            of = {"v1": OF_V1, "v2": OF_V2}
            for made_new in (place.models / NSE).glob("*/*"):
                digests = {place.states()[NSE, h].live.digest for h in ("short", "long")}
                if made_new.name not in digests and not made_new.name.startswith("."):
                    shutil.rmtree(made_new)
            killed = killed_at_step(step, lambda t=target: place.roll_back(t, days=4))
            assert live(place) in (of[target], of[other])
            seen.append(live(place) == of[target])

            place.roll_back(target, days=5)

            assert live(place) == of[target]
            if not killed:
                break

        assert not killed
        # Before the commit and after it.
        assert set(seen) == {False, True}
        assert not list(place.home.rglob(".new-*"))

    def test_a_version_killed_at_any_step_is_whole_or_not_there(self, place):
        place.publish([make_artifact()])

        for step in range(1, 400):
            tag = f"k{step}"
            killed = killed_at_step(step, lambda tag=tag: place.version(tag, days=1))
            if tag in tags(place.archive):
                assert place.roll_back(tag, days=2).version.pools == [NSE]
            if not killed:
                break

        assert not killed
        place.version("after", days=3)
        assert not list(place.archive.glob(".new-*"))

    def test_a_reader_of_both_horizons_never_sees_one_of_each(self, two_versions):
        place = two_versions
        readers = [check_in_child(lambda: all(_agree(place) for _ in range(300))) for _ in range(2)]

        for number in range(10):
            place.roll_back(f"v{number % 2 + 1}", days=4)

        assert [os.waitpid(pid, 0)[1] for pid in readers] == [0, 0]


def _agree(place):
    hashes = live(place)
    return hashes[NSE, "short"] == hashes[NSE, "long"]


class TestSigned:
    @pytest.fixture
    def signed(self, database_url, home):
        place = Place(database_url, home, KEY)
        place.publish(both_horizons(data_hash="one"))
        place.version("v1", days=1)
        place.publish(both_horizons(data_hash="two"), days=2)
        return place

    def test_a_signed_version_comes_back_with_its_key(self, signed):
        signed.roll_back("v1", days=3)

        assert live(signed)[NSE, "short"] == "one"

    @pytest.mark.parametrize("name", ["version.sig", "manifest.sig"])
    @pytest.mark.parametrize("bent", [None, b"", b"0" * 64])
    def test_an_unsigned_or_wrongly_signed_version_is_refused(self, signed, name, bent):
        for path in (signed.archive / "v1").rglob(name):
            path.unlink() if bent is None else path.write_bytes(bent)

        with pytest.raises(CorruptArtifact, match="Version v1 cannot be used"):
            signed.roll_back("v1", days=3)

        assert live(signed)[NSE, "short"] == "two"

    def test_another_key_does_not_open_it(self, signed, database_url, home):
        other = Place(database_url, home, b"another sixteen!")

        with pytest.raises(CorruptArtifact, match="signed by another key"):
            other.roll_back("v1", days=3)

    def test_a_version_from_before_the_key_is_refused(self, two_versions, database_url, home):
        keyed = Place(database_url, home, KEY)

        with pytest.raises(CorruptArtifact, match="not signed, but FORECAST_SIGNING_KEY is set"):
            keyed.roll_back("v1", days=4)

    def test_a_version_of_the_old_key_is_restored_and_signed_by_the_new_one(
        self, signed, database_url, home
    ):
        Place(database_url, home, (NEW, KEY)).roll_back("v1", days=3)

        assert live(Place(database_url, home, NEW))[NSE, "short"] == "one"

    def test_after_signing_anew_the_old_key_can_go(self, signed, database_url, home):
        signatures = sign(Place(database_url, home, (NEW, KEY)))

        # Two horizons, of each the live set and the one before, and the version.
        assert (signatures.written, signatures.unchanged, signatures.refused) == (5, 0, [])
        rotated = Place(database_url, home, NEW)
        assert live(rotated)[NSE, "short"] == "two"
        rotated.roll_back("v1", days=3)
        assert live(rotated)[NSE, "short"] == "one"
        again = sign(rotated)
        assert (again.written, again.unchanged) == (0, 5)

    def test_a_first_key_signs_what_the_audit_names_only_when_told_to(
        self, two_versions, database_url, home
    ):
        keyed = Place(database_url, home, KEY)
        forged = save(keyed.models, make_artifact(data_hash="forged"))

        refused = sign(keyed)
        assert (refused.written, len(refused.refused)) == (0, 7 + 2)
        with pytest.raises(CorruptArtifact, match="not signed"):
            live(keyed)
        accepted = sign(keyed, accept_unsigned=True)

        assert accepted.written == 6 + 2
        (sentence,) = accepted.refused
        assert "not signed" in sentence
        assert not (forged / "manifest.sig").exists()
        assert live(keyed) == OF_V2
        keyed.roll_back("v1", days=4)
        assert live(keyed) == OF_V1

    def test_a_forged_version_is_not_signed(self, two_versions, database_url, home):
        (other,) = (two_versions.archive / "v1" / BSE / "short").iterdir()
        smuggle(two_versions, (other / "model.safetensors").read_bytes(), data_hash="forged")
        keyed = Place(database_url, home, KEY)

        signatures = sign(keyed, accept_unsigned=True)

        (sentence,) = signatures.refused
        assert sentence.startswith("Version v1 cannot be used (it is not signed")
        assert not (keyed.archive / "v1" / "version.sig").exists()

    def test_without_a_key_there_is_nothing_to_sign_with(self, place):
        with pytest.raises(BadInput, match="FORECAST_SIGNING_KEY is not set"):
            sign(place)


def sign(place, *, accept_unsigned=False):
    return place.connected(lambda registry: sign_all(registry, accept_unsigned=accept_unsigned))


def test_versions_made_in_one_second_are_in_the_order_of_making(place):
    place.publish([make_artifact()])
    for tag in ("b", "c", "a"):
        place.version(tag)

    assert tags(place.archive) == ["a", "c", "b"]


def test_a_version_that_cannot_be_read_is_still_listed_last(two_versions):
    (two_versions.archive / "v2" / "version.json").write_text("{")
    (two_versions.archive / "empty").mkdir()

    assert tags(two_versions.archive) == ["v1", "v2", "empty"]


def test_versions_that_a_rollback_would_refuse_are_listed_with_the_reason(
    two_versions, database_url, home
):
    place = two_versions
    for number in (3, 4, 5):
        place.publish(both_horizons(data_hash=f"{number}"), days=number)
        place.version(f"v{number}", days=number)
    next((place.archive / "v2").rglob("model.safetensors")).write_bytes(b"x")
    shutil.rmtree(place.archive / "v3")
    shutil.copytree(place.archive / "v1", place.archive / "v9")
    manifest = place.archive / "v4" / "version.json"
    manifest.write_text(manifest.read_text() + " ")

    listed = place.connected(lambda registry: registry.refusals())

    reasons = dict(listed)
    assert [tag for tag, _ in listed][-1] == "v3"
    assert (reasons["v1"], reasons["v5"]) == ("", "")
    assert reasons["v2"].endswith("model.safetensors was changed")
    assert reasons["v3"] == f"its folder is missing from {place.archive}"
    assert reasons["v4"] == "it is not the one that the audit recorded"
    assert reasons["v9"] == "it was made as 'v1'"
    keyed = dict(Place(database_url, home, KEY).connected(lambda registry: registry.refusals()))
    assert keyed["v1"] == "it is not signed, but FORECAST_SIGNING_KEY is set"
    for tag, why in reasons.items():
        if why:
            with pytest.raises(BadInput if tag == "v3" else CorruptArtifact):
                place.roll_back(tag, days=9)
        else:
            place.roll_back(tag, days=9)


def test_the_times_of_the_tests_are_what_the_audit_has(two_versions):
    assert two_versions.events()[0].at == DAY
