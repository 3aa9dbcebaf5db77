"""Hash the rows of a frame, to tell whether two runs used the same ones."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from src.core.arrays import Days


def joint_hash(hashes: Sequence[str]) -> str | None:
    """One hash of several; of one it is that itself, and of none None."""
    if len(hashes) > 1:
        return hashlib.sha256("\n".join(hashes).encode()).hexdigest()
    return hashes[0] if hashes else None


def sessions_hash(sessions: Days, until: dt.date) -> str:
    """A hash of an exchange's sessions up to a day."""
    import numpy as np

    known = sessions[: sessions.searchsorted(np.datetime64(until, "D"), side="right")]
    return hashlib.sha256(known.tobytes()).hexdigest()


def rows_hash(frames: Iterable[pl.DataFrame]) -> str:
    """A hash of the names and the bits of all values, in the order of columns and rows.

    Numbers, dates, booleans, texts and lists of numbers; an empty number counts as NaN.
    """
    digest = hashlib.blake2b(digest_size=32)
    for frame in frames:
        digest.update(repr((frame.height, frame.schema)).encode())
        for column in frame.iter_columns():
            for part in _bits(column):
                digest.update(part)
    return digest.hexdigest()


def _bits(column: pl.Series) -> Iterator[bytes | memoryview]:
    """The values of a column, read without polars' expressions, each of which costs more."""
    import numpy as np
    import polars as pl

    if column.dtype == pl.String:
        yield repr(column.to_list()).encode()
    elif column.dtype == pl.List:
        lengths = column.list.len().to_numpy()
        yield (lengths.astype("i8") if lengths.dtype.kind == "u" else lengths).data
        numbers = column.explode(empty_as_null=False, keep_nulls=False)
        yield np.ascontiguousarray(numbers.to_numpy()).data
    else:
        values = column.to_numpy()
        yield np.ascontiguousarray(values.astype("i8") if values.dtype.kind == "M" else values).data
