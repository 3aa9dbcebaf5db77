"""Read parquet and feather (Arrow) files as text cells without losing a digit."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import polars as pl

from src.core.errors import BadInput
from src.data.sources.files.containers.archives import LARGEST, too_large
from src.data.sources.files.grids.cells import CellTable, refusing, table_of

if TYPE_CHECKING:
    from collections.abc import Callable

PARQUET, ARROW, OLD_FEATHER = b"PAR1", b"ARROW1", b"FEA1"
# How pandas names an index without a name; in a CSV its name is blank.
_INDEX = "__index_level_0__"
_BYTES_OF_CELL = 8
_DAMAGED = "its parquet or Arrow data is damaged: save it again."


def read_columns(content: bytes) -> CellTable:
    """The table of a parquet or feather file; raises BadInput."""
    if content.startswith(OLD_FEATHER):
        raise BadInput("it is of the first version of feather: save it as parquet or CSV.")
    scan: Callable[[io.BytesIO], pl.LazyFrame] = (
        pl.scan_parquet if content.startswith(PARQUET) else pl.scan_ipc
    )
    with refusing(_DAMAGED, pl.exceptions.PolarsError, OSError):
        lazy = scan(io.BytesIO(content))
        names = lazy.collect_schema().names()
        rows = lazy.select(pl.len()).collect().item()
        if rows * max(len(names), 1) * _BYTES_OF_CELL > LARGEST:
            raise BadInput(too_large())
        frame = lazy.collect()
    return table_of([_as_text(column) for column in _index_first(frame)])


def _index_first(frame: pl.DataFrame) -> list[pl.Series]:
    """The columns with the index, which pandas writes last, in front as in a CSV."""
    columns = frame.get_columns()
    if columns and not columns[0].dtype.is_temporal():
        last = columns[-1]
        if last.name == _INDEX or last.dtype.is_temporal():
            columns = [last, *columns[:-1]]
    return [column.alias("") if column.name == _INDEX else column for column in columns]


def _as_text(column: pl.Series) -> pl.Series:
    dtype = column.dtype
    if isinstance(dtype, pl.Datetime):
        offset = "%:z" if dtype.time_zone else ""
        return column.dt.to_string(f"%Y-%m-%d %H:%M:%S%.f{offset}")
    if dtype.is_nested() or dtype in (pl.Object, pl.Boolean):
        raise BadInput(f"its column {column.name[:40]!r} has {dtype} values: save it as text.")
    if dtype.is_float():
        column = column.fill_nan(None)
    return column.cast(pl.String, strict=False)
