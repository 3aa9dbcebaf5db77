"""Sum up the bits of rows, so that the sum of a series is that of its beginning and its new rows.

A row becomes 128 bits by a hash of its own: two lanes of SplitMix64 (Steele, Lea and Flood 2014).
The sums of two different sets of rows are the same with a chance of about 2^-128; they are no
protection against someone who tries to make them so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from src.core.arrays import Ints

if TYPE_CHECKING:
    import polars as pl

_SEEDS = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD1B54A32D192ED03))
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_LANE = 1 << 64
Hashes = npt.NDArray[np.uint64]
# The bits of no number: a NaN that no computation makes.
_NULL = np.int64(0x7FF8DEAD00000001)


def hash_rows(rows: pl.DataFrame, columns: Sequence[str]) -> Hashes:
    """A hash of each row of these columns; (2, n)."""
    values = [bits(rows[name]).view(np.uint64) for name in columns]
    hashes = np.empty((len(_SEEDS), rows.height), dtype=np.uint64)
    for lane, seed in zip(hashes, _SEEDS, strict=True):
        lane[:] = seed
        for column in values:
            lane[:] = _mixed(lane ^ column, seed)
    return hashes


def sum_hashes(hashes: Hashes) -> str:
    """The sum of some rows by their hashes (2, m), as 32 hexadecimal digits."""
    return _text([int(lane) for lane in hashes.sum(axis=1, dtype=np.uint64)])


def sum_rows(rows: pl.DataFrame, columns: Sequence[str]) -> str:
    """The sum of all rows, by these columns."""
    return sum_hashes(hash_rows(rows, columns))


def sums_by_ticker(rows: pl.DataFrame, columns: Sequence[str]) -> dict[str, tuple[int, str]]:
    """How many rows each ticker has, and their sum; the rows lie ticker after ticker."""
    hashes, start = hash_rows(rows, columns), 0
    sums = {}
    for count, ticker in rows["ticker"].rle().struct.unnest().iter_rows():
        sums[ticker] = (count, sum_hashes(hashes[:, start : start + count]))
        start += count
    return sums


def add(first: str, second: str) -> str:
    """The sum of two sets of rows together."""
    return _text([a + b for a, b in zip(_lanes(first), _lanes(second), strict=True)])


def subtract(whole: str, part: str) -> str:
    """The sum of the rows of a whole without those of a part of it."""
    return _text([a - b for a, b in zip(_lanes(whole), _lanes(part), strict=True)])


def bits(values: pl.Series) -> Ints:
    """The bits of numbers, dates, booleans or texts, equal for equal values in all processes."""
    import polars as pl

    if values.is_empty():
        return np.empty(0, dtype=np.int64)
    if values.dtype == pl.String:
        texts = {text: _text_bits(text) for text in values.unique()}
        return values.replace_strict(texts, return_dtype=pl.Int64).to_numpy()
    if values.dtype == pl.Float64:
        numbers = values.to_numpy().view(np.int64)
        if not values.null_count():
            return numbers
        return np.where(values.is_null().to_numpy(), _NULL, numbers)
    return values.to_physical().cast(pl.Int64).to_numpy()


def _mixed(rows: Hashes, seed: np.uint64) -> Hashes:
    rows = rows + seed
    rows = (rows ^ (rows >> np.uint64(30))) * _FIRST
    rows = (rows ^ (rows >> np.uint64(27))) * _SECOND
    mixed: Hashes = rows ^ (rows >> np.uint64(31))
    return mixed


def _text_bits(text: str) -> int:
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def _lanes(text: str) -> list[int]:
    return [int(text[:16], 16), int(text[16:], 16)]


def _text(lanes: Sequence[int]) -> str:
    return "".join(f"{lane % _LANE:016x}" for lane in lanes)


NOTHING = _text([0, 0])
