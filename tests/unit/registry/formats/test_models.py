"""Models in files: what a tilt says, equal bytes for equal models, and files that hold none."""

import io
import json
import zipfile
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest
import skops.io

from src.registry.formats import skops_file
from src.registry.formats.models import LinearModel, RankTilt, canonical_hash, pack, unpack
from src.registry.storage.artifact import Artifact, CorruptArtifact
from src.registry.storage.artifact_store import ArtifactStore
from tests.support.models import forged_set
from tests.support.registries import save
from tests.support.trees import parts, small

NAMES = ("a", "b", "c", "volatility_1", "rank_mean")
LINEAR = LinearModel(("a", "b"), np.array([0.25, 0.0]), 0.5, {"alpha": 1.0, "k": 2.0})


def tilt(**bent):
    return RankTilt(**{"features": NAMES, "trees": small(), "slope": 0.25} | bent)


# --- what a tilt says


def test_a_tilt_is_slope_times_the_rank_above_the_pools_times_the_volatility():
    # The trees say 110.5 of such a row.
    forecast = tilt().predict(np.array([9.0, 9.0, 0.0, 0.02, 100.5]))

    assert forecast == pytest.approx(0.25 * (110.5 - 100.5) * 0.02, rel=1e-15)
    assert type(forecast) is float


def test_a_tilt_needs_a_name_for_each_input_of_its_trees():
    with pytest.raises(ValueError, match="a name for each input"):
        tilt(features=("a", "b", "volatility_1", "rank_mean"))
    with pytest.raises(ValueError, match="a name for each input"):
        tilt(features=())


@pytest.mark.parametrize("slope", [float("nan"), float("inf"), -float("inf")])
def test_a_tilts_slope_is_a_finite_number(slope):
    with pytest.raises(ValueError, match="a finite slope"):
        tilt(slope=slope)


# --- what a linear model needs


@pytest.mark.parametrize("coef", [[0.1], [0.1, np.nan], [[0.1, 0.2]]])
def test_a_model_has_one_finite_coefficient_per_feature(coef):
    with pytest.raises(ValueError, match=r"coefficient|finite"):
        LinearModel(("a", "b"), np.array(coef), 0.0)


# --- there and back


@pytest.mark.parametrize("model", [LINEAR, tilt(), small(), LinearModel((), np.zeros(0), 0.0)])
def test_a_model_is_the_same_after_it_was_stored(model):
    restored = unpack(pack(model))

    assert type(restored) is type(model)
    assert canonical_hash(restored) == canonical_hash(model)
    assert pack(restored) == pack(model)


def test_a_stored_tilt_says_what_it_said():
    rows = np.random.default_rng(1).normal(0, 3, (50, 5))

    again = unpack(pack(tilt()))

    assert again.features == NAMES
    assert [again.predict(row) for row in rows] == [tilt().predict(row) for row in rows]


def test_skops_reads_a_tilt_without_trusting_anything():
    fields = skops.io.loads(pack(tilt()), trusted=[])

    assert (fields["kind"], fields["slope"], tuple(fields["features"])) == (
        "rank_tilt",
        0.25,
        NAMES,
    )
    assert fields["trees"]["value"].tolist() == [0, 10, 0, 20, 30, 100]
    assert (fields["trees"]["depth"], fields["trees"]["base"]) == (2, 0.5)


# --- equal models


def test_equal_models_have_equal_bytes_and_hashes_in_whatever_order_options_were_named():
    twin = replace(LINEAR, options={"k": 2.0, "alpha": 1.0})

    assert pack(twin) == pack(LINEAR)
    assert canonical_hash(twin) == canonical_hash(LINEAR)


def test_a_whole_number_hashes_as_the_same_number_with_a_point():
    whole = replace(LINEAR, options={"alpha": 1, "k": 2})

    assert canonical_hash(whole) == canonical_hash(LINEAR)
    assert canonical_hash(small(base=0)) == canonical_hash(small(base=0.0))


def test_minus_zero_hashes_as_zero():
    assert canonical_hash(tilt(slope=-0.0)) == canonical_hash(tilt(slope=0.0))
    minus = replace(LINEAR, coef=np.array([0.25, -0.0]))
    assert canonical_hash(minus) == canonical_hash(LINEAR)


def bent(name, at, value):
    changed = parts()[name].copy()
    changed[at] = value
    return {name: changed}


@pytest.mark.parametrize(
    "change",
    [
        bent("feature", 0, 1),
        bent("threshold", 2, np.nextafter(-3.0, 0)),
        bent("left", 0, 2),
        bent("right", 0, 1),
        bent("value", 5, np.nextafter(100.0, 0)),
        bent("roots", 1, 4),
        {"base": float(np.nextafter(0.5, 1))},
        {"depth": 1},
    ],
)
def test_any_difference_in_its_trees_changes_a_tilts_hash(change):
    assert canonical_hash(tilt(trees=small(**change))) != canonical_hash(tilt())


@pytest.mark.parametrize(
    "change", [{"slope": float(np.nextafter(0.25, 1))}, {"features": ("b", "a", *NAMES[2:])}]
)
def test_any_difference_in_a_tilt_changes_its_hash(change):
    assert canonical_hash(tilt(**change)) != canonical_hash(tilt())


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
def test_any_difference_in_a_linear_model_changes_its_hash(change):
    assert canonical_hash(replace(LINEAR, **change)) != canonical_hash(LINEAR)


def test_a_linear_models_hash_is_the_same_on_every_machine():
    body = {
        "kind": "linear",
        "coef": "000000000000d03f" + "00" * 8,
        "features": ["a", "b"],
        "intercept": "0x1.0000000000000p-1",
        "options": {"alpha": "0x1.0000000000000p+0", "k": "0x1.0000000000000p+1"},
    }
    expected = sha256(json.dumps(body, sort_keys=True, indent=1).encode()).hexdigest()

    assert canonical_hash(LINEAR) == expected


def test_a_tilts_hash_is_the_same_on_every_machine():
    def little(kind, *numbers):
        return np.array(numbers, dtype=kind).tobytes().hex()

    body = {
        "kind": "rank_tilt",
        "features": list(NAMES),
        "slope": "0x1.0000000000000p-2",
        "trees": {
            "feature": little("<i8", 2, 0, 0, 0, 0, 0),
            "threshold": little("<f8", 1, 0, -3, 0, 0, 0),
            "left": little("<i8", 1, 1, 3, 3, 4, 5),
            "right": little("<i8", 2, 1, 4, 3, 4, 5),
            "value": little("<f8", 0, 10, 0, 20, 30, 100),
            "roots": little("<i8", 0, 5),
            "base": "0x1.0000000000000p-1",
            "depth": "0x1.0000000000000p+1",
        },
    }

    expected = sha256(json.dumps(body, sort_keys=True, indent=1).encode()).hexdigest()

    assert canonical_hash(tilt()) == expected


# --- files that hold no model, whatever their manifest says of them

ARTIFACT = Artifact(
    ticker="TCS.NS",
    horizon="short",
    sessions=1,
    candidate="rank_tilt",
    model=tilt(),
    features_version="v1",
    trained_at="2025-11-14T12:00:00+00:00",
    code_version="0.1.0",
    data_hash="d" * 64,
    config_hash="c" * 64,
)


def load_forged(root, model):
    """Load a set with other bytes that its manifest vouches for."""
    digest = forged_set(save(root, ARTIFACT), model)
    return ArtifactStore(root).load("TCS.NS", "short", digest)


def assert_refused(root, model, match="cannot be used"):
    with pytest.raises(CorruptArtifact, match=match) as refused:
        load_forged(root, model)
    assert "\n" not in str(refused.value)


def stored(**bent_parts):
    fields = {"kind": "rank_tilt", "features": list(NAMES), "trees": parts(), "slope": 0.25}
    return skops_file.write(fields | bent_parts)


def zipped(**files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, data in files.items():
            file.writestr(name.replace("_", "."), data)
    return out.getvalue()


def test_a_tilt_is_loaded_and_says_what_was_saved(tmp_path):
    digest = save(tmp_path, ARTIFACT).name

    model = ArtifactStore(tmp_path).load("TCS.NS", "short", digest).model

    row = np.array([9.0, 9.0, 0.0, 0.02, 100.5])
    assert model.predict(row) == ARTIFACT.model.predict(row)


def test_the_forgery_itself_is_loaded_when_nothing_is_bent(tmp_path):
    assert load_forged(tmp_path, stored()).model.slope == 0.25


@pytest.mark.parametrize(
    "bent_parts",
    [
        {"kind": "trees"},
        {"kind": "linear"},
        {"kind": "ridge"},
        {"kind": None},
        {"kind": ["rank_tilt"]},
        {"kind": {}},
        {"features": None},
        {"features": 5},
        {"features": ["a"]},
        {"slope": "much"},
        {"slope": None},
        {"slope": [1.0]},
        {"further": 1.0},
        {"trees": None},
        {"trees": []},
        {"trees": {}},
        {"trees": {"value": np.zeros(3)}},
        {"trees": parts(further=1)},
        {"trees": parts(left=[1, 1, 3, 3, 4, 5])},
        {"trees": parts(value=np.array(5.0))},
        {"trees": parts(value=np.array(["x"] * 6))},
        {"trees": parts(feature=np.array([9, 0, 0, 0, 0, 0]))},
        {"trees": parts(left=np.array([1, 1, 3, 3, 4, 99]))},
        {"trees": parts(base="x")},
        {"trees": parts(base=None)},
        {"trees": parts(depth="deep")},
        {"trees": parts(depth=2.5)},
        {"trees": parts(depth=10**15)},
    ],
)
def test_a_file_whose_parts_make_no_tilt_is_refused(tmp_path, bent_parts):
    assert_refused(tmp_path, stored(**bent_parts))


def test_trees_alone_are_no_model_to_be_served(tmp_path):
    assert_refused(tmp_path, pack(small()), match="trees and no forecast")


def test_another_model_than_the_one_described_is_refused(tmp_path):
    assert_refused(tmp_path, pack(tilt(slope=0.26)), match="describes another model")


def schema(**bent_parts):
    node = {"__class__": "dict", "__module__": "builtins", "__loader__": "DictNode"}
    return json.dumps({**node, "protocol": 2, "content": {}, **bent_parts})


NUMBER = {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode"}
ARRAY = {"__class__": "ndarray", "__module__": "numpy", "__loader__": "NdArrayNode"}


@pytest.mark.parametrize(
    "model",
    [
        b"",
        b"PK\x05\x06" + bytes(18),
        zipped(other_json="{}"),
        zipped(schema_json=""),
        zipped(schema_json="\xff\xfe"),
        zipped(schema_json="[" * 100_000),
        zipped(schema_json="[]"),
        zipped(schema_json="null"),
        zipped(schema_json="{}"),
        zipped(schema_json='{"protocol": 2}'),
        zipped(schema_json=schema()),
        zipped(schema_json=schema(content=None)),
        zipped(schema_json=schema(content=[])),
        zipped(schema_json=schema(content={"kind": None})),
        zipped(schema_json=schema(content={"kind": NUMBER})),
        zipped(schema_json=schema(content={"kind": {**NUMBER, "content": "{"}})),
        zipped(schema_json=schema(content={"kind": ARRAY})),
        zipped(schema_json=schema(content={"kind": {**ARRAY, "file": 5}})),
        zipped(schema_json=schema(content={"kind": {**ARRAY, "file": "0.npy"}})),
        zipped(schema_json=schema(content={"a": {**ARRAY, "file": "0.npy"}}), **{"0_npy": "x"}),
        zipped(schema_json=schema(__class__=[])),
        zipped(schema_json=schema(__class__="list", __loader__="ListNode", content=[])),
    ],
)
def test_a_file_that_is_no_skops_file_of_ours_is_refused(tmp_path, model):
    assert_refused(tmp_path, model)


@pytest.mark.parametrize("name", ["schema.json", "0.npy", "3.npy"])
def test_any_byte_that_is_changed_within_a_member_is_refused(tmp_path, name):
    data = pack(tilt())
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        at = file.getinfo(name).header_offset + 30 + len(name)
    forged = bytearray(data)
    forged[at + 5] ^= 0x10

    assert_refused(tmp_path, bytes(forged))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_file_that_is_cut_short_is_refused(tmp_path, share):
    data = pack(tilt())

    assert_refused(tmp_path, data[: int(share * len(data))])
