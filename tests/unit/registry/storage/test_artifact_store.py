"""Model sets on the disk: stored whole, read only if nothing was changed, signed, copied."""

import json
import pickle
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from src.core.errors import BadInput
from src.registry.formats.models import LinearModel, pack
from src.registry.storage import artifact_store
from src.registry.storage.artifact import CorruptArtifact, SignatureRefused
from src.registry.storage.artifact_store import ArtifactStore
from tests.support.models import forged_set, killed_at_step, make_artifact
from tests.support.registries import keys_of, save


def load(folder, key=None):
    """The set in a folder that ``save`` returned."""
    root, pool, horizon = folder.parents[2], folder.parent.parent.name, folder.parent.name
    return ArtifactStore(root, keys_of(key)).load(pool, horizon, folder.name)


def forge(version, model, /, **changes):
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
    apart = dict.fromkeys(("model", "forecasts", "digest"))
    assert vars(loaded) | apart == vars(saved) | apart
    assert loaded.model.features == ("mom_5", "vol_14")
    assert loaded.model.coef.tolist() == [0.1, -1 / 3]
    assert loaded.model.intercept == 0.0007
    assert loaded.served == "zero"


def test_manifest_says_where_the_model_came_from(tmp_path):
    version = save(tmp_path, make_artifact())

    manifest = json.loads((version / "manifest.json").read_bytes())
    model = (version / "model.safetensors").read_bytes()

    assert set(manifest["files"]) == {"model.safetensors", "forecasts.parquet"}
    assert manifest["files"]["model.safetensors"] == {
        "sha256": sha256(model).hexdigest(),
        "size": len(model),
    }
    assert manifest["model"] == {"kind": "linear", "features": ["mom_5", "vol_14"]}
    assert (manifest["trained_at"], manifest["fitted_through"], manifest["session"]) == (
        "2025-11-14T12:00:00+00:00",
        "2025-11-06",
        "2025-11-14",
    )
    assert manifest["environment"]["numpy"] == np.__version__
    libraries = {"numpy", "scikit-learn", "safetensors"}
    assert set(manifest["environment"]) == {"python", "platform", *libraries}
    assert (manifest["code_version"], manifest["trials"]) == ("0.1.0-3-gabc", 3)


def test_a_model_of_25_features_takes_less_than_a_kilobyte(tmp_path):
    rng = np.random.default_rng(3)
    names = tuple(f"feature_number_{k}" for k in range(25))

    version = save(tmp_path, make_artifact(model=LinearModel(names, rng.normal(size=25), 0.001)))

    assert (version / "model.safetensors").stat().st_size < 1000


def test_the_model_is_a_safetensors_file_that_the_library_reads(tmp_path):
    version = save(tmp_path, make_artifact())

    parts = load_tensors((version / "model.safetensors").read_bytes())

    assert {name: part.tolist() for name, part in parts.items()} == {
        "coef": [0.1, -1 / 3],
        "intercept": 0.0007,
    }


class TestForecasts:
    """What a set was judged by lies with it, and is read only where it is needed."""

    def test_they_come_back_as_they_were_written(self, tmp_path):
        version = save(tmp_path, make_artifact(forecasts=b"PAR1 some"))

        assert ArtifactStore(tmp_path).forecasts("NSE", "short", version.name) == b"PAR1 some"
        assert load(version).forecasts == b""

    def test_a_set_without_any_has_no_file(self, tmp_path):
        version = save(tmp_path, make_artifact(forecasts=b""))

        assert ArtifactStore(tmp_path).forecasts("NSE", "short", version.name) == b""
        assert {path.name for path in version.iterdir()} == {"manifest.json", "model.safetensors"}

    @pytest.mark.parametrize("data", [None, b"", b"PAR1 is not looked into HERE"])
    def test_a_service_does_not_read_them_but_damage_is_noticed_by_who_does(self, tmp_path, data):
        version = save(tmp_path, make_artifact())
        path = version / "forecasts.parquet"
        path.unlink() if data is None else path.write_bytes(data)
        store = ArtifactStore(tmp_path)

        assert load(version).digest == version.name
        with pytest.raises(CorruptArtifact, match=r"No such file|not the file that"):
            store.forecasts("NSE", "short", version.name)
        with pytest.raises(CorruptArtifact):
            store.copy(("NSE", "short"), version.name, ArtifactStore(tmp_path / "copy"))

    def test_saving_the_same_set_again_heals_them(self, tmp_path):
        version = save(tmp_path, make_artifact(forecasts=b"PAR1"))
        (version / "forecasts.parquet").unlink()

        assert save(tmp_path, make_artifact(forecasts=b"PAR1")) == version
        assert ArtifactStore(tmp_path).forecasts("NSE", "short", version.name) == b"PAR1"


def test_horizons_and_pools_stand_apart(tmp_path):
    for pool in ("NSE", "^NSEI", "XNYS", "SAMPLE"):
        for horizon in ("short", "long"):
            loaded = load(save(tmp_path, make_artifact(pool=pool, horizon=horizon)))
            assert loaded.pair == (pool, horizon)


@pytest.mark.parametrize(
    "pool", ["../NSE", "a/b", "..", ".", "", ".hidden", "A..B", "A\\B", "NSE\n", "A\0", "A" * 40]
)
def test_refuses_a_pool_that_is_no_plain_directory_name(tmp_path, pool):
    with pytest.raises(BadInput):
        ArtifactStore(tmp_path / "models").write(make_artifact(pool=pool))
    with pytest.raises(BadInput):
        ArtifactStore(tmp_path / "models").load(pool, "short", "0" * 64)
    assert list(tmp_path.iterdir()) == []


def test_refuses_a_horizon_it_does_not_know(tmp_path):
    with pytest.raises(BadInput):
        ArtifactStore(tmp_path).load("NSE", "../long", "0" * 64)


class TestDamage:
    @pytest.fixture
    def version(self, tmp_path):
        return save(tmp_path, make_artifact())

    @pytest.mark.parametrize("name", ["model.safetensors", "manifest.json"])
    def test_every_changed_byte_is_noticed(self, tmp_path, version, name):
        whole = (version / name).read_bytes()
        for position in range(0, len(whole), 11):
            changed = bytearray(whole)
            changed[position] ^= 1
            (version / name).write_bytes(changed)
            assert_refused(version, "changed|not the file")

    @pytest.mark.parametrize("name", ["model.safetensors", "manifest.json"])
    @pytest.mark.parametrize("size", [0, 1, 100, 150])
    def test_a_truncated_file_is_noticed(self, tmp_path, version, name, size):
        (version / name).write_bytes((version / name).read_bytes()[:size])

        assert_refused(version, "changed|not the file")

    @pytest.mark.parametrize("name", ["model.safetensors", "manifest.json"])
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
            ArtifactStore(version.parents[2]).load("NSE", "short", name)

    def test_another_pools_model_is_not_taken(self, tmp_path, version):
        other = tmp_path / "BSE"
        version.parent.parent.rename(other)

        assert_refused(other / "short" / version.name, "another pool")

    def test_saving_the_same_set_again_heals_it(self, tmp_path, version, monkeypatch):
        model = (version / "model.safetensors").read_bytes()
        (version / "model.safetensors").write_bytes(b"")
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

        assert_refused(version, "deserializing")
        assert not witness.exists()

    @pytest.mark.parametrize(
        "parts",
        [
            {},
            {"coef": np.array([1.0, 2.0])},
            {"coef": np.array([1.0]), "intercept": np.array(0.0)},
            {"coef": np.array([np.inf, 1.0]), "intercept": np.array(0.0)},
            {"coef": np.array([1.0, 2.0]), "intercept": np.array([0.0])},
            {"coef": np.array([1, 2]), "intercept": np.array(0.0)},
            {"coef": np.array([1.0, 2.0], dtype=np.float32), "intercept": np.array(0.0)},
            {"coef": np.array([1.0, 2.0]), "intercept": np.array(0.0), "more": np.array(0.0)},
        ],
    )
    def test_parameters_that_make_no_model_are_refused(self, version, parts):
        assert_refused(forge(version, save_tensors(parts)), "cannot be used")

    @pytest.mark.parametrize(
        "description",
        [
            None,
            {},
            {"kind": "linear"},
            {"kind": "linear", "features": None},
            {"kind": "linear", "features": "ab"},
            {"kind": "linear", "features": ["a", 1]},
            {"kind": "linear", "features": ["a"]},
            {"kind": "rank_tilt", "features": ["mom_5", "vol_14"]},
            {"kind": "os.system", "features": ["mom_5", "vol_14"]},
            {"kind": ["linear"], "features": ["mom_5", "vol_14"]},
        ],
    )
    def test_a_description_of_no_model_is_refused(self, version, description):
        model = (version / "model.safetensors").read_bytes()

        assert_refused(forge(version, model, model=description), "cannot be used")

    @pytest.mark.parametrize(
        "change",
        [
            {"files": {}},
            {"files": {"../../x": {"sha256": "0" * 64, "size": 0}}},
            {"pool": "BSE"},
            {"horizon": "long"},
            {"unknown": 1},
            {"sessions": "x"},
        ],
    )
    def test_a_manifest_of_another_shape_is_refused(self, version, change):
        model = (version / "model.safetensors").read_bytes()

        assert_refused(forge(version, model, **change), "cannot be used")

    def test_further_files_are_refused(self, version):
        model = (version / "model.safetensors").read_bytes()
        (version / "x.py").write_bytes(b"")
        files = json.loads((version / "manifest.json").read_bytes())["files"]
        further = {"x.py": {"sha256": sha256(b"").hexdigest(), "size": 0}}

        assert_refused(forge(version, model, files=files | further), "other files than those")

    def test_a_set_from_before_models_belonged_to_pools_says_so(self, version):
        model = b"PK"
        old = {"model.skops": {"sha256": sha256(model).hexdigest(), "size": len(model)}}
        (version / "model.skops").write_bytes(model)

        forged = forge(version, model, files=old, ticker="TCS.NS", pool={"tickers": 141})

        assert_refused(forged, "it dates from before models belonged to pools")

    def test_a_manifest_cannot_serve_what_did_not_win(self, version):
        version = forge(version, (version / "model.safetensors").read_bytes(), served="ridge")

        assert_refused(version, "never promoted")


class TestReplacement:
    def test_sets_of_one_pool_and_horizon_lie_beside_each_other(self, tmp_path):
        first, second = (
            save(tmp_path, make_artifact()),
            save(tmp_path, make_artifact(data_hash="e")),
        )

        assert (load(first).data_hash, load(second).data_hash) == ("d" * 64, "e")

    def test_all_but_named_sets_are_removed(self, tmp_path):
        sets = [save(tmp_path, make_artifact(trials=trials)) for trials in (1, 2, 3, 4)]
        other = save(tmp_path, make_artifact(horizon="long"))

        keep = {sets[1].name, sets[3].name}
        ArtifactStore(tmp_path).remove_except(("NSE", "short"), keep)

        assert [path.exists() for path in sets] == [False, True, False, True]
        assert other.exists()

    def test_a_writer_killed_at_any_step_leaves_no_set_or_a_whole_one(self, tmp_path):
        folders = []
        for step in range(1, 200):
            killed = killed_at_step(
                step, lambda step=step: save(tmp_path, make_artifact(data_hash=f"{step}"))
            )
            folders = [path for path in tmp_path.glob("NSE/short/*") if path.name[0] != "."]
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
            ("NSE", "short"), version.name, ArtifactStore(tmp_path / "b")
        )

        copy = tmp_path / "b" / "NSE" / "short" / version.name
        assert vars(load(copy)) | {"model": 0} == vars(load(version)) | {"model": 0}


def test_loading_a_model_needs_neither_scikit_learn_nor_polars(tmp_path):
    version = save(tmp_path, make_artifact())
    code = (
        "import sys, pathlib; from src.registry.storage.artifact_store import ArtifactStore;"
        f"ArtifactStore(pathlib.Path({str(tmp_path)!r})).load('NSE','short','{version.name}');"
        "print([name for name in ('sklearn', 'pandas', 'polars') if name in sys.modules])"
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
        model = (version / "model.safetensors").read_bytes()
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
            store.sign(("NSE", "short"), version.name, accept_unsigned=False)

        with pytest.raises(SignatureRefused):
            load(version, key=self.NEW)

    def test_only_what_has_no_signature_may_be_signed_without_one(self, tmp_path):
        version = save(tmp_path, make_artifact())
        foreign = save(tmp_path, make_artifact(trials=9), key=b"an unknown key of 16")
        store = ArtifactStore(tmp_path, (self.NEW,))

        assert store.sign(("NSE", "short"), version.name, accept_unsigned=True)
        assert load(version, key=self.NEW)
        with pytest.raises(SignatureRefused, match="another key"):
            store.sign(("NSE", "short"), foreign.name, accept_unsigned=True)

    def test_a_damaged_set_is_not_signed(self, tmp_path):
        version = save(tmp_path, make_artifact(), key=self.OLD)
        (version / "model.safetensors").write_bytes(b"x")

        with pytest.raises(CorruptArtifact, match="not the file that was saved"):
            ArtifactStore(tmp_path, (self.NEW, self.OLD)).sign(
                ("NSE", "short"), version.name, accept_unsigned=False
            )
