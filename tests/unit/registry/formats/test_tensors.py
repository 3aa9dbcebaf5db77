"""Files of arrays: equal bytes for equal values, as numbers lie in the array and not in memory."""

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from safetensors import SafetensorError
from safetensors.numpy import save

from src.registry.formats import tensors

ARRAYS = st.dictionaries(
    st.text(min_size=1).filter(lambda name: name != "__metadata__"),
    st.one_of(
        arrays.arrays(np.float64, arrays.array_shapes(min_dims=0, max_side=4)),
        arrays.arrays(np.int64, arrays.array_shapes(min_dims=0, min_side=0, max_side=4)),
    ),
    max_size=4,
)


def content(arrays):
    return {name: (a.dtype.str, a.shape, a.tobytes()) for name, a in arrays.items()}


@given(ARRAYS)
def test_what_was_written_is_read(values):
    assert content(tensors.read(tensors.write(values))) == content(values)


@given(ARRAYS)
def test_equal_arrays_have_equal_bytes_in_whatever_order_they_were_named(values):
    assert tensors.write(dict(reversed(values.items()))) == tensors.write(values)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(10.0)[::2],
        np.arange(10.0)[::-1],
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(6).reshape(2, 3).T,
        np.arange(3.0).astype(">f8"),
        np.arange(3, dtype=">i8"),
        np.broadcast_to(np.array(2.5), (3,)),
    ],
    ids=[
        "sliced",
        "reversed",
        "fortran",
        "transposed",
        "big endian",
        "big endian int",
        "broadcast",
    ],
)
def test_an_array_is_written_by_its_values_and_not_by_how_it_lies_in_memory(array):
    plain = np.array(array.tolist())

    assert tensors.write({"a": array}) == tensors.write({"a": plain})
    assert tensors.read(tensors.write({"a": array}))["a"].tolist() == array.tolist()


def test_the_library_alone_writes_such_arrays_wrongly():
    """Why arrays are copied, and compared after writing: no error is raised for these."""
    fortran = np.asfortranarray(np.arange(6.0).reshape(2, 3))

    assert tensors.read(save({"a": fortran}))["a"].tolist() != fortran.tolist()


def test_narrower_numbers_are_widened():
    stored = tensors.read(tensors.write({"a": np.float32([0.5]), "b": np.int8([3])}))

    assert (stored["a"].dtype, stored["b"].dtype) == (np.float64, np.int64)


def test_a_file_has_a_header_of_names_types_and_places_and_nothing_else():
    data = tensors.write({"b": np.array(1.5), "a": np.array([2, 3])})

    length = int.from_bytes(data[:8], "little")
    assert json.loads(data[8 : 8 + length]) == {
        "a": {"dtype": "I64", "shape": [2], "data_offsets": [0, 16]},
        "b": {"dtype": "F64", "shape": [], "data_offsets": [16, 24]},
    }
    assert data[8 + length :] == np.array([2, 3]).tobytes() + np.array(1.5).tobytes()


@pytest.mark.parametrize(
    "array", [np.array([{}, []], dtype=object), np.array(["x"]), np.array([True]), np.array([1j])]
)
def test_what_is_no_number_is_not_written(array):
    with pytest.raises(ValueError, match="is not stored"):
        tensors.write({"a": array})


@pytest.mark.parametrize("kind", [np.float32, np.int32, np.uint64, bool])
def test_other_types_are_not_read(kind):
    with pytest.raises(ValueError, match="a consists of"):
        tensors.read(save({"a": np.zeros(2, dtype=kind)}))


def header(text, numbers=b""):
    body = text.encode()
    return len(body).to_bytes(8, "little") + body + numbers


WHOLE = tensors.write({"a": np.arange(3.0), "b": np.arange(2)})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        WHOLE[:7],
        WHOLE[:40],
        WHOLE[:-1],
        WHOLE + b"x",
        (10**9).to_bytes(8, "little") + WHOLE[8:],
        (2**63).to_bytes(8, "little") + WHOLE[8:],
        header("{"),
        header("[]"),
        header("null"),
        header('{"a":{"dtype":"F64","shape":[1000000000000],"data_offsets":[0,8]}}', bytes(8)),
        header('{"a":{"dtype":"F64","shape":[2],"data_offsets":[8,24]}}', bytes(24)),
        header('{"a":{"dtype":"F64","shape":[-1],"data_offsets":[0,8]}}', bytes(8)),
        header('{"a":{"dtype":"O","shape":[1],"data_offsets":[0,8]}}', bytes(8)),
        b"PK\x03\x04" + bytes(100),
        b"\x80\x04K\x01." + bytes(100),
    ],
)
def test_a_damaged_file_is_refused(data):
    with pytest.raises(SafetensorError):
        tensors.read(data)


def test_equal_arrays_have_equal_bytes_in_another_process():
    code = (
        "import sys, numpy as np; from src.registry.formats.tensors import write;"
        "padding = [object() for _ in range(1000)];"
        "sys.stdout.write(write({'b': np.arange(3.0), 'a': np.arange(2)}).hex())"
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

    here = tensors.write({"b": np.arange(3.0), "a": np.arange(2)}).hex()
    assert written == [here, here]
