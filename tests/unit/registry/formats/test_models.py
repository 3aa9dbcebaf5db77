"""Models in files: what a tilt says, equal bytes for equal models, and files that hold none."""

from dataclasses import replace

import numpy as np
import pytest

from src.registry.formats import tensors
from src.registry.formats.models import (
    LinearModel,
    RankTilt,
    describe,
    pack,
    same_model,
    unpack,
    unpack_trees,
)
from src.registry.storage.artifact import CorruptArtifact
from src.registry.storage.artifact_store import ArtifactStore
from tests.support.models import forged_set, make_artifact
from tests.support.registries import save
from tests.support.trees import parts, small

NAMES = ("a", "b", "c", "volatility_1", "rank_mean")
LINEAR = LinearModel(("a", "b"), np.array([0.25, 0.0]), 0.5)


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


def again(model):
    return unpack(describe(model), pack(model))


@pytest.mark.parametrize("model", [LINEAR, tilt(), LinearModel((), np.zeros(0), 0.0)])
def test_a_model_is_the_same_after_it_was_stored(model):
    restored = again(model)

    assert type(restored) is type(model)
    assert same_model(restored, model)
    assert pack(restored) == pack(model)


def test_trees_are_the_same_after_they_were_stored():
    restored = unpack_trees(pack(small()))

    assert pack(restored) == pack(small())
    assert (type(restored.base), type(restored.depth)) == (float, int)


def test_a_stored_tilt_says_what_it_said():
    rows = np.random.default_rng(1).normal(0, 3, (50, 5))

    restored = again(tilt())

    assert restored.features == NAMES
    assert [restored.predict(row) for row in rows] == [tilt().predict(row) for row in rows]


def test_a_model_that_was_fitted_on_slices_is_stored_with_its_own_numbers():
    table = np.arange(12.0).reshape(4, 3)

    restored = again(LinearModel(("a", "b", "c", "d"), table[:, 1], 0.0))

    assert restored.coef.tolist() == [1.0, 4.0, 7.0, 10.0]


def test_a_file_holds_the_parameters_by_name():
    stored = tensors.read(pack(tilt()))

    assert stored.keys() == {*parts(), "slope"}
    assert stored["value"].tolist() == [0, 10, 0, 20, 30, 100]
    assert (stored["depth"], stored["base"], stored["slope"]) == (2, 0.5, 0.25)
    assert describe(tilt()) == {"kind": "rank_tilt", "features": list(NAMES)}


def test_a_linear_models_bytes_are_the_same_on_every_machine():
    header = (
        b'{"coef":{"dtype":"F64","shape":[2],"data_offsets":[0,16]},'
        b'"intercept":{"dtype":"F64","shape":[],"data_offsets":[16,24]}}'
    )
    padded = header + b" " * (-len(header) % 8)
    numbers = bytes.fromhex("000000000000d03f 0000000000000000 000000000000e03f")

    assert pack(LINEAR) == len(padded).to_bytes(8, "little") + padded + numbers


def test_another_kind_of_model_is_not_stored():
    with pytest.raises(TypeError, match="a str cannot be stored"):
        pack("model")


# --- equal models


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
def test_any_difference_in_its_trees_makes_another_tilt(change):
    assert not same_model(tilt(trees=small(**change)), tilt())


@pytest.mark.parametrize(
    "change", [{"slope": float(np.nextafter(0.25, 1))}, {"features": ("b", "a", *NAMES[2:])}]
)
def test_any_difference_makes_another_tilt(change):
    assert not same_model(tilt(**change), tilt())


@pytest.mark.parametrize(
    "change",
    [
        {"features": ("b", "a")},
        {"coef": np.array([np.nextafter(0.25, 1), 0.0])},
        {"intercept": np.nextafter(0.5, 1)},
    ],
)
def test_any_difference_makes_another_linear_model(change):
    assert not same_model(replace(LINEAR, **change), LINEAR)


# --- files that hold no model, whatever their manifest says of them

ARTIFACT = make_artifact(candidate="rank_tilt", model=tilt())


def load_forged(root, model):
    """Load a set with other bytes that its manifest vouches for."""
    digest = forged_set(save(root, ARTIFACT), model)
    return ArtifactStore(root).load("NSE", "short", digest)


def assert_refused(root, model, match="cannot be used"):
    with pytest.raises(CorruptArtifact, match=match) as refused:
        load_forged(root, model)
    assert "\n" not in str(refused.value)


def stored(leave_out="", **bent_parts):
    arrays = {**parts(), "slope": 0.25} | bent_parts
    return tensors.write({n: np.asarray(a) for n, a in arrays.items() if n != leave_out})


def test_a_tilt_is_loaded_and_says_what_was_saved(tmp_path):
    digest = save(tmp_path, ARTIFACT).name

    model = ArtifactStore(tmp_path).load("NSE", "short", digest).model

    row = np.array([9.0, 9.0, 0.0, 0.02, 100.5])
    assert model.predict(row) == ARTIFACT.model.predict(row)


def test_the_forgery_itself_is_loaded_when_nothing_is_bent(tmp_path):
    assert load_forged(tmp_path, stored()).model.slope == 0.25


@pytest.mark.parametrize(
    "bent_parts",
    [
        *({"leave_out": name} for name in (*parts(), "slope")),
        {"slope": [1.0]},
        {"slope": np.nan},
        {"further": 1.0},
        {"left": [1.0, 1.0, 3.0, 3.0, 4.0, 5.0]},
        {"value": 5.0},
        {"value": [0.0, 10.0, np.nan, 20.0, 30.0, 100.0]},
        {"feature": [9, 0, 0, 0, 0, 0]},
        {"left": [1, 1, 3, 3, 4, 99]},
        {"base": [0.5]},
        {"base": np.inf},
        {"depth": 2.5},
        {"depth": [2]},
        {"depth": 10**15},
    ],
)
def test_a_file_whose_parts_make_no_tilt_is_refused(tmp_path, bent_parts):
    assert_refused(tmp_path, stored(**bent_parts))


@pytest.mark.parametrize("model", [pack(small()), pack(LINEAR), b"", tensors.write({})])
def test_another_model_than_the_one_described_is_refused(tmp_path, model):
    assert_refused(tmp_path, model)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_file_that_is_cut_short_is_refused(tmp_path, share):
    data = pack(tilt())

    assert_refused(tmp_path, data[: int(share * len(data))], match="deserializing")
