"""Model sets on the disk: stored whole, read only if nothing was changed, signed, copied."""

import json
import os
import pickle
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import Ridge

from src.core.errors import BadInput
from src.registry.formats.models import LinearModel, pack
from src.registry.storage import artifact_store
from src.registry.storage.artifact import CorruptArtifact, SignatureRefused
from src.registry.storage.artifact_store import ArtifactStore, same_content
from tests.support.models import forged_set, killed_at_step, make_artifact
from tests.support.registries import keys_of, save


def load(folder, key=None):
    """The set in a folder that ``save`` returned."""
    root, ticker, horizon = folder.parents[2], folder.parent.parent.name, folder.parent.name
    return ArtifactStore(root, keys_of(key)).load(ticker, horizon, folder.name)


def forge(version, model, **changes):
    """A set beside another one, with other bytes that its manifest vouches for."""
    return version.with_name(forged_set(version, model, **changes))


def assert_refused(version, match):
    with pytest.raises(CorruptArtifact, match=match) as refused:
        load(version)
    assert "\n" not in str(refused.value)


def test_what_was_saved_is_loaded(tmp_path):
    saved = make_artifact()

    version = save(tmp_path, saved)
    loaded = load(version)

    assert loaded.digest == version.name
    assert vars(loaded) | {"model": 0, "digest": 0} == vars(saved) | {"model": 0, "digest": 0}
    assert loaded.model.features == ("mom_5", "vol_14")
    assert loaded.model.coef.tolist() == [0.1, -1 / 3]
    assert (loaded.model.intercept, loaded.model.options) == (0.0007, {"alpha": 5000.0})
    assert loaded.served == "zero"


def test_manifest_says_where_the_model_came_from(tmp_path):
    version = save(tmp_path, make_artifact())

    manifest = json.loads((version / "manifest.json").read_bytes())
    model = (version / "model.skops").read_bytes()

    assert manifest["files"] == {
        "model.skops": {"sha256": sha256(model).hexdigest(), "size": len(model)}
    }
    assert manifest["features"] == ["mom_5", "vol_14"]
    assert manifest["environment"]["numpy"] == np.__version__
    assert set(manifest["environment"]) == {"python", "platform", "numpy", "scikit-learn", "skops"}
    assert (manifest["code_version"], manifest["trials"]) == ("0.1.0-3-gabc", 3)


def test_a_model_of_25_features_takes_less_than_3_kilobytes(tmp_path):
    rng = np.random.default_rng(3)
    names = tuple(f"feature_number_{k}" for k in range(25))

    version = save(tmp_path, make_artifact(model=LinearModel(names, rng.normal(size=25), 0.001)))

    assert (version / "model.skops").stat().st_size < 3000


def test_the_model_is_a_skops_file_that_skops_reads_without_trusting_anything(tmp_path):
    version = save(tmp_path, make_artifact())

    parts = skops.io.load(version / "model.skops", trusted=[])

    assert parts["coef"].tolist() == [0.1, -1 / 3]
    assert parts | {"coef": 0} == {
        "kind": "linear",
        "features": ["mom_5", "vol_14"],
        "coef": 0,
        "intercept": 0.0007,
        "options": {"alpha": 5000.0},
    }


def test_horizons_and_tickers_stand_apart(tmp_path):
    for ticker in ("M&M.NS", "^NSEI", "BAJAJ-AUTO.NS", "DEMO.NS"):
        for horizon in ("short", "long"):
            loaded = load(save(tmp_path, make_artifact(ticker=ticker, horizon=horizon)))
            assert loaded.pair == (ticker, horizon)


@pytest.mark.parametrize(
    "ticker", ["../TCS", "a/b", "..", ".", "", ".hidden", "A..B", "A\\B", "TCS\n", "A\0", "A" * 40]
)
def test_refuses_a_ticker_that_is_no_plain_directory_name(tmp_path, ticker):
    with pytest.raises(BadInput):
        ArtifactStore(tmp_path / "models").write(make_artifact(ticker=ticker))
    with pytest.raises(BadInput):
        ArtifactStore(tmp_path / "models").load(ticker, "short", "0" * 64)
    assert list(tmp_path.iterdir()) == []


def test_refuses_a_horizon_it_does_not_know(tmp_path):
    with pytest.raises(BadInput):
        ArtifactStore(tmp_path).load("TCS.NS", "../long", "0" * 64)


class TestDamage:
    @pytest.fixture
    def version(self, tmp_path):
        return save(tmp_path, make_artifact())

    @pytest.mark.parametrize("name", ["model.skops", "manifest.json"])
    def test_every_changed_byte_is_noticed(self, tmp_path, version, name):
        whole = (version / name).read_bytes()
        for position in range(0, len(whole), 37):
            changed = bytearray(whole)
            changed[position] ^= 1
            (version / name).write_bytes(changed)
            assert_refused(version, "changed|not the file")

    @pytest.mark.parametrize("name", ["model.skops", "manifest.json"])
    @pytest.mark.parametrize("size", [0, 1, 100, 500])
    def test_a_truncated_file_is_noticed(self, tmp_path, version, name, size):
        (version / name).write_bytes((version / name).read_bytes()[:size])

        assert_refused(version, "changed|not the file")

    @pytest.mark.parametrize("name", ["model.skops", "manifest.json"])
    def test_a_missing_file_is_noticed(self, tmp_path, version, name):
        (version / name).unlink()

        assert_refused(version, "No such file")

    def test_a_set_that_is_gone_is_noticed(self, tmp_path, version):
        version.rename(tmp_path / "elsewhere")

        assert_refused(version, "is missing from")

    @pytest.mark.parametrize("name", ["0" * 63, "..", "CURRENT"])
    def test_a_folder_that_is_not_named_by_a_digest_is_not_read(self, version, name):
        other = version.with_name(name)
        other.mkdir(exist_ok=True)

        with pytest.raises(CorruptArtifact, match="is not a digest"):
            ArtifactStore(version.parents[2]).load("TCS.NS", "short", name)

    def test_another_tickers_model_is_not_taken(self, tmp_path, version):
        other = tmp_path / "INFY.NS"
        version.parent.parent.rename(other)

        assert_refused(other / "short" / version.name, "another ticker")

    def test_saving_the_same_set_again_heals_it(self, tmp_path, version, monkeypatch):
        model = (version / "model.skops").read_bytes()
        (version / "model.skops").write_bytes(b"")
        monkeypatch.setattr(artifact_store, "pack", lambda _: model)

        assert save(tmp_path, make_artifact()) == version
        assert load(version).digest == version.name


class TestForgery:
    """Files whose manifest was forged with them: nothing in them may run, or be built."""

    @pytest.fixture
    def version(self, tmp_path):
        return save(tmp_path, make_artifact())

    def test_a_pickle_is_never_loaded(self, tmp_path, version):
        witness = tmp_path / "executed"

        class Payload:
            def __reduce__(self):
                return (Path.touch, (witness,))

        version = forge(version, pickle.dumps(Payload()))

        assert_refused(version, "not a zip")
        assert not witness.exists()

    def test_a_pickle_inside_an_array_is_never_loaded(self, tmp_path, version):
        witness = tmp_path / "executed"

        class Payload:
            def __reduce__(self):
                return (Path.touch, (witness,))

        array = tmp_path / "array.npy"
        np.save(array, np.array([Payload(), 1.0], dtype=object), allow_pickle=True)
        forged = tmp_path / "forged.skops"
        with zipfile.ZipFile(version / "model.skops") as old, zipfile.ZipFile(forged, "w") as new:
            for name in old.namelist():
                new.writestr(name, array.read_bytes() if name != "schema.json" else old.read(name))
        version = forge(version, forged.read_bytes())

        assert_refused(version, "allow_pickle")
        assert not witness.exists()

    def test_a_class_that_skops_itself_trusts_is_refused(self, version):
        version = forge(version, skops.io.dumps({"coef": Ridge(alpha=2.0)}))

        assert_refused(version, r"holds sklearn\.linear_model\._ridge\.Ridge")

    def test_a_function_is_refused(self, version):
        version = forge(version, skops.io.dumps({"coef": os.system}))

        assert_refused(version, "not trusted")

    @pytest.mark.parametrize(
        "parts",
        [
            {},
            {"features": ["a"], "coef": np.array([1.0, 2.0]), "intercept": 0.0, "options": {}},
            {"features": ["a"], "coef": np.array([np.inf]), "intercept": 0.0, "options": {}},
            {"features": ["a"], "coef": np.array([1.0]), "intercept": "x", "options": {}},
        ],
    )
    def test_parameters_that_make_no_model_are_refused(self, version, parts):
        version = forge(version, skops.io.dumps(parts))

        assert_refused(version, "cannot be used")

    def test_a_manifest_about_another_model_is_refused(self, version):
        other = pack(LinearModel(("mom_5", "vol_14"), np.array([9.0, 9.0]), 0.0))
        version = forge(version, other)

        assert_refused(version, "describes another model")

    def test_a_manifest_cannot_serve_what_did_not_win(self, version):
        version = forge(version, (version / "model.skops").read_bytes(), served="ridge")

        assert_refused(version, "never promoted")


class TestReplacement:
    def test_sets_of_one_ticker_and_horizon_lie_beside_each_other(self, tmp_path):
        first, second = (
            save(tmp_path, make_artifact()),
            save(tmp_path, make_artifact(data_hash="e")),
        )

        assert (load(first).data_hash, load(second).data_hash) == ("d" * 64, "e")

    def test_all_but_named_sets_are_removed(self, tmp_path):
        sets = [save(tmp_path, make_artifact(trials=trials)) for trials in (1, 2, 3, 4)]
        other = save(tmp_path, make_artifact(horizon="long"))

        keep = {sets[1].name, sets[3].name}
        ArtifactStore(tmp_path).remove_except(("TCS.NS", "short"), keep)

        assert [path.exists() for path in sets] == [False, True, False, True]
        assert other.exists()

    def test_a_writer_killed_at_any_step_leaves_no_set_or_a_whole_one(self, tmp_path):
        folders = []
        for step in range(1, 200):
            killed = killed_at_step(
                step, lambda step=step: save(tmp_path, make_artifact(data_hash=f"{step}"))
            )
            folders = [path for path in tmp_path.glob("TCS.NS/short/*") if path.name[0] != "."]
            assert all(load(path) for path in folders)
            if not killed:
                break

        assert not killed
        assert 0 < len(folders) < step
        # What the killed writers left under temporary names was removed by the next one.
        assert not list(tmp_path.rglob(".new-*"))

    def test_a_copy_is_the_same_set(self, tmp_path):
        version = save(tmp_path / "a", make_artifact())

        ArtifactStore(tmp_path / "a").copy(
            ("TCS.NS", "short"), version.name, ArtifactStore(tmp_path / "b")
        )

        copy = tmp_path / "b" / "TCS.NS" / "short" / version.name
        assert vars(load(copy)) | {"model": 0} == vars(load(version)) | {"model": 0}

    def test_artifacts_that_differ_in_time_and_place_alone_have_the_same_content(self):
        later = make_artifact(trained_at="2025-11-15T12:00:00+00:00", environment={"python": "4"})

        assert same_content(make_artifact(), later)
        assert not same_content(make_artifact(), make_artifact(trials=4))
        assert not same_content(
            make_artifact(), make_artifact(model=LinearModel(("a",), np.array([1.0]), 0.0))
        )


def test_loading_a_model_needs_neither_scikit_learn_nor_skops(tmp_path):
    version = save(tmp_path, make_artifact())
    code = (
        "import sys, pathlib; from src.registry.storage.artifact_store import ArtifactStore;"
        f"ArtifactStore(pathlib.Path({str(tmp_path)!r})).load('TCS.NS','short','{version.name}');"
        "print([name for name in ('sklearn', 'skops', 'pandas', 'polars') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


class TestSigned:
    KEY = b"sixteen letters!"

    def test_what_is_signed_is_loaded_with_the_key_and_without(self, tmp_path):
        version = save(tmp_path, make_artifact(), key=self.KEY)

        assert load(version, key=self.KEY).digest == version.name
        assert load(version).digest == version.name
        # RFC 2104 by hand: the key is padded to 64 bytes with zeros.
        inner, outer = (bytes(b ^ x for b in self.KEY.ljust(64, b"\0")) for x in (0x36, 0x5C))
        signed = b"set\n" + (version / "manifest.json").read_bytes()
        expected = sha256(outer + sha256(inner + signed).digest()).hexdigest()
        assert (version / "manifest.sig").read_text() == expected

    def test_an_unsigned_set_is_refused(self, tmp_path):
        version = save(tmp_path, make_artifact())

        with pytest.raises(CorruptArtifact, match="not signed, but FORECAST_SIGNING_KEY is set"):
            load(version, key=self.KEY)

    def test_a_set_signed_by_another_key_is_refused(self, tmp_path):
        version = save(tmp_path, make_artifact(), key=self.KEY)

        with pytest.raises(CorruptArtifact, match="signed by another key"):
            load(version, key=b"another sixteen!")

    def test_a_forged_set_with_an_old_signature_is_refused(self, tmp_path):
        version = save(tmp_path, make_artifact(), key=self.KEY)
        forged = forge(version, pack(LinearModel(("a",), np.array([1.0]), 0.0)))
        (forged / "manifest.sig").write_bytes((version / "manifest.sig").read_bytes())

        with pytest.raises(CorruptArtifact, match="signed by another key"):
            load(forged, key=self.KEY)

    def test_saving_an_unsigned_set_again_with_a_key_signs_it(self, tmp_path, monkeypatch):
        version = save(tmp_path, make_artifact())
        model = (version / "model.skops").read_bytes()
        monkeypatch.setattr(artifact_store, "pack", lambda _: model)

        assert save(tmp_path, make_artifact(), key=self.KEY) == version
        assert load(version, key=self.KEY)

    OLD, NEW = b"the old key of 16", b"the new key of 16"

    def test_what_any_key_signed_is_loaded_and_the_first_signs(self, tmp_path):
        old = save(tmp_path, make_artifact(trials=1), key=self.OLD)
        new = save(tmp_path, make_artifact(trials=2), key=(self.NEW, self.OLD))

        assert load(old, key=(self.NEW, self.OLD)).digest == old.name
        assert load(new, key=self.NEW).digest == new.name
        with pytest.raises(SignatureRefused, match="signed by another key"):
            load(new, key=self.OLD)

    def test_saving_a_set_again_with_a_new_key_in_front_signs_it_with_that(self, tmp_path):
        save(tmp_path, make_artifact(), key=self.OLD)

        version = save(tmp_path, make_artifact(), key=(self.NEW, self.OLD))

        assert load(version, key=self.NEW)

    def test_signing_replaces_the_signature_of_another_key_once(self, tmp_path):
        version = save(tmp_path, make_artifact(), key=self.OLD)
        store = ArtifactStore(tmp_path, (self.NEW, self.OLD))
        before = {path.name: path.read_bytes() for path in version.iterdir()}

        results = [
            store.sign(pair, digest, accept_unsigned=False)
            for _ in range(2)
            for pair, digest in store.stored()
        ]

        assert results == [True, False]
        assert load(version, key=self.NEW)
        after = {path.name: path.read_bytes() for path in version.iterdir()}
        assert {name for name in after if after[name] != before[name]} == {"manifest.sig"}
        assert set(after) == set(before)

    @pytest.mark.parametrize("key", [None, b"an unknown key of 16"])
    def test_what_none_of_the_keys_signed_is_not_signed(self, tmp_path, key):
        version = save(tmp_path, make_artifact(), key=key)
        store = ArtifactStore(tmp_path, (self.NEW, self.OLD))

        with pytest.raises(SignatureRefused, match=r"not signed|another key"):
            store.sign(("TCS.NS", "short"), version.name, accept_unsigned=False)

        with pytest.raises(SignatureRefused):
            load(version, key=self.NEW)

    def test_only_what_has_no_signature_may_be_signed_without_one(self, tmp_path):
        version = save(tmp_path, make_artifact())
        foreign = save(tmp_path, make_artifact(trials=9), key=b"an unknown key of 16")
        store = ArtifactStore(tmp_path, (self.NEW,))

        assert store.sign(("TCS.NS", "short"), version.name, accept_unsigned=True)
        assert load(version, key=self.NEW)
        with pytest.raises(SignatureRefused, match="another key"):
            store.sign(("TCS.NS", "short"), foreign.name, accept_unsigned=True)

    def test_a_damaged_set_is_not_signed(self, tmp_path):
        version = save(tmp_path, make_artifact(), key=self.OLD)
        (version / "model.skops").write_bytes(b"x")

        with pytest.raises(CorruptArtifact, match="not the file that was saved"):
            ArtifactStore(tmp_path, (self.NEW, self.OLD)).sign(
                ("TCS.NS", "short"), version.name, accept_unsigned=False
            )
