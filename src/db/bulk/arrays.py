"""Bring columns of ``real[]`` into the form that PostgreSQL sends and receives, and back.

ADBC takes and gives the elements of an array one by one, which for 33 of them costs more than all
other columns of a row; it leaves the bytes of a binary column as they are. The form is that of
``array_send`` in https://github.com/postgres/postgres/blob/master/src/backend/utils/adt/arrayfuncs.c:
number of dimensions, whether there are NULLs, type of the elements; length and first index of each
dimension; then each element with its size in bytes before it. All numbers are big-endian.
"""

from __future__ import annotations

import struct
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from src.core.tables import REALS, Table

if TYPE_CHECKING:
    import polars as pl

REAL = 700  # the type's number in pg_type
_EMPTY = struct.pack(">3i", 0, 0, REAL)
_HEADER = struct.Struct(">5i")
_NULL = struct.pack(">i", -1)


def array_columns(table: Table) -> list[str]:
    """The names of the columns that are brought into this form."""
    return [name for name, kind in table.columns.items() if kind == REALS]


def pack_columns(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame of a table with its arrays as bytes; those that are bytes already stay.

    A column of nothing but null becomes one of texts: ADBC does not read polars' form of it.
    """
    import polars as pl

    names = [name for name in array_columns(table) if name in frame.columns]
    lists = [frame[name] for name in names if frame[name].dtype != pl.Binary]
    packed = frame.with_columns(map(pack, lists)) if lists else frame
    return packed.cast({pl.Null: pl.String})


def unpack_columns(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """The opposite: arrays as lists."""
    names = [name for name in array_columns(table) if name in frame.columns]
    return frame.with_columns(unpack(frame[name]) for name in names) if names else frame


def pack(lists: pl.Series) -> pl.Series:
    """Each list of floats as bytes; null for null."""
    import polars as pl

    lists = lists.cast(pl.List(pl.Float32))
    values = lists.explode(empty_as_null=True)
    sizes = lists.list.len().unique()
    if len(sizes) != 1 or not sizes[0] or values.null_count():
        return pl.Series(lists.name, [_pack_one(row) for row in lists.to_list()], pl.Binary)
    rows = np.empty(len(lists), dtype=_layout(sizes[0]))
    rows["header"] = (1, 0, REAL, sizes[0], 1)
    rows["elements"]["size"] = 4
    rows["elements"]["value"] = values.to_numpy().reshape(rows.size, -1)
    stored = rows.view(np.uint8).reshape(rows.size, -1)
    packed = pl.Series(lists.name, stored, dtype=pl.Array(pl.UInt8, stored.shape[1]))
    return packed.cast(pl.List(pl.UInt8)).cast(pl.Binary)


def unpack(packed: pl.Series) -> pl.Series:
    """Each array as a list of floats, from its bytes; null for null."""
    import polars as pl

    sizes = packed.bin.size().unique()
    length = 0 if len(sizes) != 1 else ((sizes[0] or 0) - _HEADER.size) // 8
    if length > 0:
        layout = _layout(length)
        stored = packed.cast(pl.List(pl.UInt8)).explode(empty_as_null=True).to_numpy()
        rows = np.frombuffer(stored, dtype=layout, count=len(packed))
        if (rows["header"] == (1, 0, REAL, length, 1)).all():
            values = rows["elements"]["value"].astype(np.float32)
            fixed = pl.Series(packed.name, values, dtype=pl.Array(pl.Float32, length))
            return fixed.cast(pl.List(pl.Float32))
    lists = [None if each is None else _unpack_one(each) for each in packed.to_list()]
    return pl.Series(packed.name, lists, dtype=pl.List(pl.Float32))


@cache
def _layout(length: int) -> np.dtype[np.void]:
    element = np.dtype([("size", ">i4"), ("value", ">f4")])
    return np.dtype([("header", ">i4", (5,)), ("elements", element, (length,))])


def _pack_one(values: list[float | None] | None) -> bytes | None:
    if not values:
        return None if values is None else _EMPTY
    header = _HEADER.pack(1, None in values, REAL, len(values), 1)
    cells = (_NULL if value is None else struct.pack(">if", 4, value) for value in values)
    return header + b"".join(cells)


def _unpack_one(packed: bytes) -> list[float | None]:
    values: list[float | None] = []
    place = _HEADER.size
    while place < len(packed):
        (size,) = struct.unpack_from(">i", packed, place)
        values.append(None if size < 0 else struct.unpack_from(">f", packed, place + 4)[0])
        place += 4 + max(size, 0)
    return values
