"""Write arrays of numbers as a safetensors file, and read them back; nothing in it is run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load, save

Array = npt.NDArray[Any]

# The only types of a file's numbers: 64-bit floats and integers, least byte first.
_TYPES = {"f": np.dtype("<f8"), "i": np.dtype("<i8")}


def write(arrays: Mapping[str, Array]) -> bytes:
    """The bytes of a file: equal for equal arrays, however they lie in memory.

    Raises:
        ValueError: For an array of anything but numbers.
    """
    whole = {name: _contiguous(name, array) for name, array in sorted(arrays.items())}
    data = save(whole)
    stored = read(data)
    # The library copies the memory behind an array, whatever the array says of its order.
    if {name: _content(array) for name, array in stored.items()} != {
        name: _content(array) for name, array in whole.items()
    }:
        raise ValueError("the file does not hold the arrays that were written to it")
    return data


def read(data: bytes) -> dict[str, Array]:
    """The arrays by name.

    Raises:
        ValueError: For an array of other types than are written.
        Exception: The library's, for a file that is damaged.
    """
    arrays = load(data)
    for name, array in arrays.items():
        if array.dtype not in _TYPES.values():
            raise ValueError(f"{name} consists of {array.dtype} numbers")
    return arrays


def _contiguous(name: str, array: Array) -> Array:
    if array.dtype.kind not in _TYPES:
        raise ValueError(f"{name} consists of {array.dtype}, which is not stored")
    return np.asarray(array, _TYPES[array.dtype.kind], order="C")


def _content(array: Array) -> tuple[str, tuple[int, ...], bytes]:
    return array.dtype.str, array.shape, array.tobytes()
