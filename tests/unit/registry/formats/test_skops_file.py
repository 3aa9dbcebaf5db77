"""Files that skops itself reads without trusting anything, equal for equal values."""

import io
import json
import math
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.linear_model import Ridge

from src.registry.formats import skops_file

NUMBERS = st.one_of(st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False))
LEAVES = st.one_of(
    st.text(),
    st.booleans(),
    st.none(),
    NUMBERS,
    arrays.arrays(np.float64, st.integers(0, 5)),
    arrays.arrays(np.int64, arrays.array_shapes(max_dims=2, max_side=3)),
)
VALUES = st.dictionaries(
    st.text(),
    st.recursive(
        LEAVES,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)
        ),
        max_leaves=8,
    ),
    max_size=4,
)


def same(one, other):
    """Equal in type, value and bits, whatever the order of a dict's names."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray):
        return (one.dtype, one.shape, one.tobytes()) == (
            other.dtype,
            other.shape,
            other.tobytes(),
        )
    return type(one) is type(other) and repr(one) == repr(other)


def members(data):
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return {name: file.read(name) for name in file.namelist()}


def zipped(parts):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, data in parts.items():
            file.writestr(name, data)
    return out.getvalue()


def with_schema(data, **bent):
    parts = members(data)
    schema = json.loads(parts["schema.json"]) | bent
    return zipped(parts | {"schema.json": json.dumps(schema)})


@given(VALUES)
def test_what_was_written_is_read(value):
    assert same(skops_file.read(skops_file.write(value)), value)


@settings(max_examples=50)
@given(VALUES)
def test_skops_reads_what_was_written_and_trusts_nothing_for_it(value):
    data = skops_file.write(value)

    assert skops.io.get_untrusted_types(data=data) == []
    assert same(skops.io.loads(data, trusted=[]), value)


def test_what_skops_wrote_is_read():
    value = {"coef": np.array([0.1, -1 / 3]), "names": ["a", "b"], "of": {"alpha": 0.5, "k": "x"}}

    assert same(skops_file.read(skops.io.dumps(value)), value)


@settings(max_examples=50)
@given(VALUES)
def test_equal_values_have_equal_bytes_in_whatever_order_they_were_put_together(value):
    def turned(one):
        if isinstance(one, dict):
            return {name: turned(one[name]) for name in reversed(list(one))}
        return [turned(part) for part in one] if isinstance(one, list) else one

    assert skops_file.write(turned(value)) == skops_file.write(value)


def test_equal_values_have_equal_bytes_in_another_process():
    code = (
        "import sys, numpy as np; from src.registry.formats.skops_file import write;"
        "padding = [object() for _ in range(1000)];"
        "sys.stdout.write(write({'b': [np.arange(3.0), 'x'], 'a': {'k': 0.1}}).hex())"
    )

    written = [
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PATH": ""},
        ).stdout
        for seed in ("1", "2")
    ]

    here = skops_file.write({"b": [np.arange(3.0), "x"], "a": {"k": 0.1}}).hex()
    assert written == [here, here]


def test_an_array_is_written_by_its_values_and_not_by_where_it_lies():
    values = np.arange(10.0)

    assert skops_file.write({"a": values[::2]}) == skops_file.write({"a": values[::2].copy()})


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_is_not_written(number):
    with pytest.raises(ValueError, match="Out of range float"):
        skops_file.write({"a": number})


def test_an_array_of_objects_is_not_written():
    with pytest.raises(ValueError, match="Object arrays"):
        skops_file.write({"a": np.array([{}, []], dtype=object)})


@pytest.mark.parametrize("value", [object(), {1, 2}, b"x", 1j])
def test_what_is_no_plain_value_is_not_written(value):
    with pytest.raises(TypeError, match="not JSON serializable"):
        skops_file.write({"a": value})


@pytest.mark.parametrize("value", [Ridge(), math.sin, np.float64, (1.0, 2.0), {1, 2}, b"x"])
def test_what_skops_stores_besides_plain_containers_is_refused(value):
    with pytest.raises(ValueError, match="is not trusted"):
        skops_file.read(skops.io.dumps({"a": value}))


@pytest.mark.parametrize("bent", [{"__module__": "os"}, {"__class__": "list"}, {"__loader__": "X"}])
def test_a_node_is_known_by_its_module_its_class_and_its_loader_together(bent):
    with pytest.raises(ValueError, match="is not trusted"):
        skops_file.read(with_schema(skops_file.write({"a": 1.0}), **bent))


@pytest.mark.parametrize("protocol", [1, 3, "2", None])
def test_another_protocol_is_refused(protocol):
    with pytest.raises(ValueError, match="is not supported"):
        skops_file.read(with_schema(skops_file.write({"a": 1.0}), protocol=protocol))


def test_an_array_is_read_from_the_file_alone(tmp_path):
    outside = tmp_path / "outside.npy"
    np.save(outside, np.ones(3))
    parts = members(skops_file.write({"a": np.zeros(3)}))
    schema = parts["schema.json"].replace(b'"0.npy"', json.dumps(str(outside)).encode())

    with pytest.raises(KeyError, match="no item named"):
        skops_file.read(zipped(parts | {"schema.json": schema}))


def test_reading_and_writing_need_neither_scikit_learn_nor_skops():
    code = (
        "import sys, numpy as np; from src.registry.formats import skops_file;"
        "skops_file.read(skops_file.write({'a': np.ones(2)}));"
        "print([name for name in ('sklearn', 'skops', 'pandas') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
