import json
import os
import pickle
import subprocess
import sys
import threading
import zipfile
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import Ridge

from src.core.errors import BadInput
from src.registry.formats.models import LinearModel, canonical_hash, pack
from src.registry.storage import artifact_store
from src.registry.storage.artifact_store import (
    CorruptArtifact,
    NoModel,
    activate,
    load,
    load_all,
    prune,
    save,
    save_all,
)
from tests.support.models import both, dies_at, forged_set, made


def forge(version: Path, model: bytes, **told):
    """Replace the model by one that the manifest, and CURRENT, vouch for."""
    digest = forged_set(version, model, **told)
    current = version.parents[2] / "CURRENT"
    current.write_text(current.read_text().replace(version.name, digest))


def assert_refused(root, match):
    with pytest.raises(CorruptArtifact, match=match) as refused:
        load(root, "TCS.NS", "short")
    assert "\n" not in str(refused.value)


def test_what_was_saved_is_loaded(tmp_path):
    saved = made()

    version = save(tmp_path, saved)
    loaded = load(tmp_path, "TCS.NS", "short")

    assert loaded.digest == version.name
    assert vars(loaded) | {"model": 0, "digest": 0} == vars(saved) | {"model": 0, "digest": 0}
    assert loaded.model.features == ("mom_5", "vol_14")
    assert loaded.model.coef.tolist() == [0.1, -1 / 3]
    assert (loaded.model.intercept, loaded.model.options) == (0.0007, {"alpha": 5000.0})
    assert loaded.served == "zero"


def test_manifest_says_where_the_model_came_from(tmp_path):
    version = save(tmp_path, made())

    told = json.loads((version / "manifest.json").read_bytes())
    model = (version / "model.skops").read_bytes()

    assert told["files"] == {
        "model.skops": {"sha256": sha256(model).hexdigest(), "size": len(model)}
    }
    assert told["features"] == ["mom_5", "vol_14"]
    assert told["environment"]["numpy"] == np.__version__
    assert set(told["environment"]) == {"python", "platform", "numpy", "scikit-learn", "skops"}
    assert (told["code_version"], told["trials"]) == ("0.1.0-3-gabc", 3)


def test_a_model_of_25_features_takes_less_than_3_kilobytes(tmp_path):
    rng = np.random.default_rng(3)
    names = tuple(f"feature_number_{k}" for k in range(25))

    version = save(tmp_path, made(model=LinearModel(names, rng.normal(size=25), 0.001)))

    assert (version / "model.skops").stat().st_size < 3000


def test_the_model_is_a_skops_file_that_skops_reads_without_trusting_anything(tmp_path):
    version = save(tmp_path, made())

    parts = skops.io.load(version / "model.skops", trusted=[])

    assert parts["coef"].tolist() == [0.1, -1 / 3]
    assert parts | {"coef": 0} == {
        "kind": "linear",
        "features": ["mom_5", "vol_14"],
        "coef": 0,
        "intercept": 0.0007,
        "options": {"alpha": 5000.0},
    }


def test_there_is_no_model_before_the_first_is_saved(tmp_path):
    with pytest.raises(NoModel, match=r"no long model for INFY.NS"):
        load(tmp_path, "INFY.NS", "long")


def test_horizons_and_tickers_stand_apart(tmp_path):
    for ticker in ("M&M.NS", "^NSEI", "BAJAJ-AUTO.NS", "DEMO.NS"):
        for horizon in ("short", "long"):
            save(tmp_path, made(ticker=ticker, horizon=horizon))

    assert load(tmp_path, "M&M.NS", "long").ticker == "M&M.NS"
    assert load(tmp_path, "^NSEI", "short").horizon == "short"


@pytest.mark.parametrize(
    "ticker", ["../TCS", "a/b", "..", ".", "", ".hidden", "A..B", "A\\B", "TCS\n", "A\0", "A" * 40]
)
def test_refuses_a_ticker_that_is_no_plain_directory_name(tmp_path, ticker):
    with pytest.raises(BadInput):
        save(tmp_path / "models", made(ticker=ticker))
    with pytest.raises(BadInput):
        load(tmp_path / "models", ticker, "short")
    assert list(tmp_path.iterdir()) == []


def test_refuses_a_horizon_it_does_not_know(tmp_path):
    with pytest.raises(BadInput):
        load(tmp_path, "TCS.NS", "../long")
    with pytest.raises(ValueError, match="horizon"):
        made(horizon="medium")
    with pytest.raises(ValueError, match="0 sessions"):
        made(sessions=0)


def test_a_candidate_is_served_only_once_promoted_and_not_when_it_is_worse():
    with pytest.raises(ValueError, match="never promoted"):
        made(served="ridge")
    with pytest.raises(ValueError, match="never promoted"):
        made(served="other", since="2025-11-14", verdict="better")
    with pytest.raises(ValueError, match="never promoted"):
        made(served="ridge", since="2025-11-14", verdict="worse")
    assert made(served="ridge", since="2025-11-14", verdict="better").served == "ridge"


@pytest.mark.parametrize("coef", [[0.1], [0.1, np.nan], [[0.1, 0.2]]])
def test_a_model_has_one_finite_coefficient_per_feature(coef):
    with pytest.raises(ValueError, match=r"coefficient|finite"):
        LinearModel(("a", "b"), np.array(coef), 0.0)


class TestDamage:
    @pytest.fixture
    def version(self, tmp_path):
        return save(tmp_path, made())

    @pytest.mark.parametrize("name", ["model.skops", "manifest.json"])
    def test_every_changed_byte_is_noticed(self, tmp_path, version, name):
        whole = (version / name).read_bytes()
        for position in range(0, len(whole), 37):
            changed = bytearray(whole)
            changed[position] ^= 1
            (version / name).write_bytes(changed)
            assert_refused(tmp_path, "changed|not the file")

    @pytest.mark.parametrize("name", ["model.skops", "manifest.json"])
    @pytest.mark.parametrize("size", [0, 1, 100, 500])
    def test_a_truncated_file_is_noticed(self, tmp_path, version, name, size):
        (version / name).write_bytes((version / name).read_bytes()[:size])

        assert_refused(tmp_path, "changed|not the file")

    @pytest.mark.parametrize("name", ["model.skops", "manifest.json"])
    def test_a_missing_file_is_noticed(self, tmp_path, version, name):
        (version / name).unlink()

        assert_refused(tmp_path, "No such file")

    @pytest.mark.parametrize(
        "pointer",
        [
            b"",
            b"\xff\xfe",
            b"0" * 64,
            b"[]",
            b'{"TCS.NS": "short"}',
            b'{"TCS.NS": {"short": "../../elsewhere"}}',
            b'{"TCS.NS": {"short": 7}}',
            b'{"TCS.NS": {"medium": "' + b"0" * 64 + b'"}}',
        ],
    )
    def test_a_pointer_to_nothing_is_noticed(self, tmp_path, version, pointer):
        (tmp_path / "CURRENT").write_bytes(pointer)

        assert_refused(tmp_path, "CURRENT names no set")

    def test_a_pointer_to_a_set_that_is_gone_is_noticed(self, tmp_path, version):
        version.rename(tmp_path / "elsewhere")

        assert_refused(tmp_path, "No such file")

    def test_another_tickers_model_is_not_taken(self, tmp_path, version):
        other = tmp_path / "INFY.NS"
        version.parent.parent.rename(other)
        current = tmp_path / "CURRENT"
        current.write_text(current.read_text().replace("TCS.NS", "INFY.NS"))

        with pytest.raises(CorruptArtifact, match="another ticker"):
            load(tmp_path, "INFY.NS", "short")

    def test_a_set_that_the_audit_does_not_know_is_refused(self, tmp_path, version):
        assert load(tmp_path, "TCS.NS", "short", expected=version.name)
        with pytest.raises(CorruptArtifact, match="is live"):
            load(tmp_path, "TCS.NS", "short", expected="0" * 64)

    def test_the_set_that_the_audit_names_is_read_whatever_current_says(self, tmp_path, version):
        forge(version, pack(LinearModel(("mom_5", "vol_14"), np.array([9.0, 9.0]), 0.0)))

        loaded = load(tmp_path, "TCS.NS", "short", expected=version.name)

        assert loaded.model.coef.tolist() == [0.1, -1 / 3]

    def test_saving_the_same_set_again_heals_it(self, tmp_path, version, monkeypatch):
        model = (version / "model.skops").read_bytes()
        (version / "model.skops").write_bytes(b"")
        monkeypatch.setattr(artifact_store, "pack", lambda _: model)

        assert save(tmp_path, made()) == version
        assert load(tmp_path, "TCS.NS", "short").digest == version.name


class TestForgery:
    """Files whose manifest was forged with them: nothing in them may run, or be built."""

    @pytest.fixture
    def version(self, tmp_path):
        return save(tmp_path, made())

    def test_a_pickle_is_never_loaded(self, tmp_path, version):
        witness = tmp_path / "executed"

        class Payload:
            def __reduce__(self):
                return (Path.touch, (witness,))

        forge(version, pickle.dumps(Payload()))

        assert_refused(tmp_path, "not a zip")
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
        forge(version, forged.read_bytes())

        assert_refused(tmp_path, "allow_pickle")
        assert not witness.exists()

    def test_a_class_that_skops_itself_trusts_is_refused(self, tmp_path, version):
        forge(version, skops.io.dumps({"coef": Ridge(alpha=2.0)}))

        assert_refused(tmp_path, r"holds sklearn\.linear_model\._ridge\.Ridge")

    def test_a_function_is_refused(self, tmp_path, version):
        forge(version, skops.io.dumps({"coef": os.system}))

        assert_refused(tmp_path, "not trusted")

    @pytest.mark.parametrize(
        "parts",
        [
            {},
            {"features": ["a"], "coef": np.array([1.0, 2.0]), "intercept": 0.0, "options": {}},
            {"features": ["a"], "coef": np.array([np.inf]), "intercept": 0.0, "options": {}},
            {"features": ["a"], "coef": np.array([1.0]), "intercept": "x", "options": {}},
        ],
    )
    def test_parameters_that_make_no_model_are_refused(self, tmp_path, version, parts):
        forge(version, skops.io.dumps(parts))

        assert_refused(tmp_path, "cannot be used")

    def test_a_manifest_about_another_model_is_refused(self, tmp_path, version):
        other = pack(LinearModel(("mom_5", "vol_14"), np.array([9.0, 9.0]), 0.0))
        forge(version, other)

        assert_refused(tmp_path, "describes another model")

    def test_a_manifest_cannot_serve_what_did_not_win(self, tmp_path, version):
        forge(version, (version / "model.skops").read_bytes(), served="ridge")

        assert_refused(tmp_path, "never promoted")


class TestReplacement:
    def test_the_last_one_saved_is_live_and_an_old_one_can_be_made_so_again(self, tmp_path):
        first = save(tmp_path, made())
        second = save(tmp_path, made(data_hash="e"))
        assert load(tmp_path, "TCS.NS", "short").digest == second.name

        activate(tmp_path, "TCS.NS", "short", first.name)

        assert load(tmp_path, "TCS.NS", "short").data_hash == "d" * 64

    def test_a_damaged_set_is_not_made_live(self, tmp_path):
        first = save(tmp_path, made())
        second = save(tmp_path, made(data_hash="e"))
        (first / "model.skops").unlink()

        with pytest.raises(CorruptArtifact):
            activate(tmp_path, "TCS.NS", "short", first.name)
        assert load(tmp_path, "TCS.NS", "short").digest == second.name

    def test_prune_spares_the_live_one_and_those_it_is_told_to(self, tmp_path):
        sets = [save(tmp_path, made(trials=trials)) for trials in (1, 2, 3, 4)]

        gone = prune(tmp_path, "TCS.NS", "short", keep=[sets[1].name])

        assert gone == sorted([sets[0].name, sets[2].name])
        assert [path.exists() for path in sets] == [False, True, False, True]
        assert prune(tmp_path, "NONE.NS", "short", keep=[]) == []

    def test_a_set_pruned_under_a_reader_sends_it_to_the_next(self, tmp_path, monkeypatch):
        first = save(tmp_path, made()).name
        second = save(tmp_path, made(data_hash="e")).name
        prune(tmp_path, "TCS.NS", "short", keep=[])
        pointers = iter([{"short": first}, {"short": second}])
        monkeypatch.setattr(artifact_store, "_live", lambda *_: next(pointers))

        assert load(tmp_path, "TCS.NS", "short").digest == second

    def test_a_writer_killed_at_any_step_leaves_the_old_set_or_the_new(self, tmp_path):
        old = save(tmp_path, made(data_hash="old")).name
        seen = []

        for step in range(1, 200):
            killed = save_and_die(tmp_path, step)
            live = load(tmp_path, "TCS.NS", "short")
            seen.append(live.data_hash.split()[0])
            activate(tmp_path, "TCS.NS", "short", old)
            if not killed:
                break

        assert not killed
        assert seen[-1] == "new"
        assert set(seen[:-1]) == {"old", "new"}
        # What the killed writers left aside was removed by the next one.
        assert not list(tmp_path.rglob(".new-*"))

    def test_both_horizons_go_live_in_one_step_though_the_writer_is_killed(self, tmp_path):
        seen = []

        for step in range(1, 200):
            save_all(tmp_path, both(data_hash="old"))
            new = both(data_hash=f"new {step}")
            killed = dies_at(step, lambda new=new: save_all(tmp_path, new))
            live = load_all(tmp_path, "TCS.NS")
            assert live["short"].data_hash == live["long"].data_hash
            seen.append(live["short"].data_hash.split()[0])
            if not killed:
                break

        assert seen == ["old"] * seen.count("old") + ["new"] * seen.count("new")
        assert seen.count("old") > 10
        assert not killed

    def test_saving_one_ticker_leaves_every_other_live(self, tmp_path):
        save_all(tmp_path, [*both(), *both("INFY.NS")])

        save(tmp_path, made(data_hash="new"))

        assert load(tmp_path, "TCS.NS", "short").data_hash == "new"
        assert load(tmp_path, "TCS.NS", "long").data_hash == "d" * 64
        assert set(load_all(tmp_path, "INFY.NS")) == {"short", "long"}

    def test_two_writers_at_once_both_go_live(self, tmp_path):
        def write(ticker):
            for trials in range(10):
                save_all(tmp_path, both(ticker, trials=trials + 1))

        writers = [threading.Thread(target=write, args=(t,)) for t in ("TCS.NS", "INFY.NS")]
        for one in writers:
            one.start()
        for one in writers:
            one.join()

        assert [load(tmp_path, t, "long").trials for t in ("TCS.NS", "INFY.NS")] == [10, 10]

    def test_one_horizon_alone_is_not_both(self, tmp_path):
        save(tmp_path, made())

        with pytest.raises(NoModel, match=r"no long model for TCS.NS"):
            load_all(tmp_path, "TCS.NS")

    def test_a_damaged_current_is_not_added_to(self, tmp_path):
        save(tmp_path, made())
        (tmp_path / "CURRENT").write_text("{")

        with pytest.raises(CorruptArtifact, match="roll back, or remove it and train again"):
            save(tmp_path, made())
        with pytest.raises(CorruptArtifact, match="CURRENT names no set"):
            prune(tmp_path, "TCS.NS", "short", keep=[])

    def test_a_first_writer_killed_at_any_step_leaves_none_or_a_whole_one(self, tmp_path):
        for step in range(1, 200):
            root = tmp_path / str(step)
            killed = save_and_die(root, step)
            try:
                assert load(root, "TCS.NS", "short").data_hash == f"new {step}"
            except NoModel:
                assert killed
            if not killed:
                break

        assert not killed
        assert step > 10

    def test_a_reader_sees_whole_sets_while_writers_replace_them(self, tmp_path):
        save(tmp_path, made())
        stop = threading.Event()

        def write():
            for trials in range(20):
                save(tmp_path, made(trials=trials + 1))
                prune(tmp_path, "TCS.NS", "short", keep=[])
            stop.set()

        writer = threading.Thread(target=write)
        writer.start()
        while not stop.is_set():
            assert load(tmp_path, "TCS.NS", "short").ticker == "TCS.NS"
        writer.join()


def save_and_die(root, step):
    """Save in a child that is killed just before its ``step``-th file operation."""
    return dies_at(step, lambda: save(root, made(data_hash=f"new {step}")))


class TestCanonicalHash:
    MODEL = LinearModel(("a", "b"), np.array([0.25, 0.0]), 0.5, {"alpha": 1.0, "k": 2.0})

    def test_equal_models_have_equal_hashes_whatever_the_order_of_their_options(self, tmp_path):
        save(tmp_path, made(model=self.MODEL))
        loaded = load(tmp_path, "TCS.NS", "short").model
        twin = LinearModel(("a", "b"), np.array([0.25, -0.0]), 0.5, {"k": 2, "alpha": 1})

        assert canonical_hash(loaded) == canonical_hash(self.MODEL) == canonical_hash(twin)

    @pytest.mark.parametrize(
        "change",
        [
            {"features": ("b", "a")},
            {"coef": np.array([np.nextafter(0.25, 1), 0.0])},
            {"intercept": np.nextafter(0.5, 1)},
            {"options": {"alpha": 1.5, "k": 2.0}},
            {"options": {"alpha": 1.0}},
        ],
    )
    def test_any_difference_in_the_model_changes_the_hash(self, change):
        assert canonical_hash(replace(self.MODEL, **change)) != canonical_hash(self.MODEL)

    def test_hash_is_the_same_on_every_machine(self):
        body = {
            "kind": "linear",
            "coef": "000000000000d03f" + "00" * 8,
            "features": ["a", "b"],
            "intercept": "0x1.0000000000000p-1",
            "options": {"alpha": "0x1.0000000000000p+0", "k": "0x1.0000000000000p+1"},
        }
        expected = sha256(json.dumps(body, sort_keys=True, indent=1).encode()).hexdigest()

        assert canonical_hash(self.MODEL) == expected


def test_loading_a_model_needs_neither_scikit_learn_nor_skops(tmp_path):
    save(tmp_path, made())
    code = (
        "import sys, pathlib; from src.registry.storage.artifact_store import load;"
        f"load(pathlib.Path({str(tmp_path)!r}), 'TCS.NS', 'short');"
        "print([name for name in ('sklearn', 'skops', 'pandas', 'polars') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


class TestSigned:
    KEY = b"sixteen letters!"

    def test_what_is_signed_is_loaded_with_the_key_and_without(self, tmp_path):
        version = save(tmp_path, made(), key=self.KEY)

        assert load(tmp_path, "TCS.NS", "short", key=self.KEY).digest == version.name
        assert load(tmp_path, "TCS.NS", "short").digest == version.name
        # RFC 2104 by hand: the key is padded to 64 bytes with zeros.
        inner, outer = (bytes(b ^ x for b in self.KEY.ljust(64, b"\0")) for x in (0x36, 0x5C))
        signed = b"set\n" + (version / "manifest.json").read_bytes()
        expected = sha256(outer + sha256(inner + signed).digest()).hexdigest()
        assert (version / "manifest.sig").read_text() == expected

    def test_an_unsigned_set_is_refused(self, tmp_path):
        save(tmp_path, made())

        with pytest.raises(CorruptArtifact, match="not signed, but FORECAST_SIGNING_KEY is set"):
            load(tmp_path, "TCS.NS", "short", key=self.KEY)

    def test_a_set_signed_by_another_key_is_refused(self, tmp_path):
        save(tmp_path, made(), key=self.KEY)

        with pytest.raises(CorruptArtifact, match="signed by another key"):
            load(tmp_path, "TCS.NS", "short", key=b"another sixteen!")

    def test_a_forged_set_with_an_old_signature_is_refused(self, tmp_path):
        version = save(tmp_path, made(), key=self.KEY)
        forge(version, pack(LinearModel(("a",), np.array([1.0]), 0.0)))
        digest = json.loads((tmp_path / "CURRENT").read_text())["TCS.NS"]["short"]
        signature = (version / "manifest.sig").read_bytes()
        (version.parent / digest / "manifest.sig").write_bytes(signature)

        with pytest.raises(CorruptArtifact, match="signed by another key"):
            load(tmp_path, "TCS.NS", "short", key=self.KEY)

    def test_saving_an_unsigned_set_again_with_a_key_signs_it(self, tmp_path, monkeypatch):
        version = save(tmp_path, made())
        model = (version / "model.skops").read_bytes()
        monkeypatch.setattr(artifact_store, "pack", lambda _: model)

        assert save(tmp_path, made(), key=self.KEY) == version
        assert load(tmp_path, "TCS.NS", "short", key=self.KEY)
