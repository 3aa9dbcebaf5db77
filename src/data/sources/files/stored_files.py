"""Recognise the files whose contents are stored already, so that they need not be parsed again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from src.core.errors import BadInput
from src.data.sources.files.reader import read_packed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    import polars as pl

    from src.data.sources.files.reader import PriceFile
    from src.db.store import Store


@dataclass(frozen=True)
class StoredPart:
    """What a file delivered of one ticker and kind when it was stored.

    Attributes:
        rows: Delivered, rejected ones included.
        notes: What a person should know of it.
    """

    ticker: str
    rows: int
    notes: str


def file_hash(packed: bytes, file: PriceFile, options: Sequence[str | None]) -> str:
    """SHA-256 of a file's bytes and of all else that decides what is read from them."""
    read_as = json.dumps([file.path.name, file.explicit, *options])
    return hashlib.sha256(hashlib.sha256(packed).digest() + read_as.encode()).hexdigest()


class FileHashes:
    """By what files are recognised that are given again; each is read once for that.

    ``options`` are what else decides how they are read, ``tickers`` those to take, None for all.
    """

    def __init__(self, options: Sequence[str | None], tickers: Collection[str] | None) -> None:
        self._options = tuple(options)
        self._tickers = None if tickers is None else ",".join(sorted(tickers))
        self._by_path: dict[Path, tuple[str, ...]] = {}

    def key(self, packed: bytes, file: PriceFile) -> str:
        """The hash of a file with these bytes."""
        chosen = () if self._tickers is None else (self._tickers,)
        return file_hash(packed, file, (*self._options, *chosen))

    def of(self, file: PriceFile) -> tuple[str, ...]:
        """The hash of a file, and that of it read for all tickers; none if it cannot be read."""
        if file.path not in self._by_path:
            try:
                packed = read_packed(file.path)
            except BadInput:
                self._by_path[file.path] = ()
            else:
                whole = file_hash(packed, file, self._options)
                hashes = dict.fromkeys((self.key(packed, file), whole))
                self._by_path[file.path] = tuple(hashes)
        return self._by_path[file.path]


@dataclass(frozen=True)
class StoredFiles:
    """Files that are stored as a whole, by their hashes, and what they delivered, by ticker."""

    files: frozenset[str] = frozenset()
    parts: Mapping[str, list[StoredPart]] = field(default_factory=dict)

    def has(self, hashes: Sequence[str]) -> bool:
        """Whether a file that has one of these hashes is among them."""
        return not self.files.isdisjoint(hashes)


def find_stored(
    store: Store, hashes: Collection[str], tickers: Collection[str] | None = None
) -> StoredFiles:
    """Those of some files that are stored as a whole, with what they delivered of these tickers.

    A file of which a part was refused, or withdrawn later, is not among them; nor is one of which
    rows were later than the clock, or one that was merged with files that are not there any more.
    """
    bundles = store.bundles_of_files(sorted(hashes))
    members = {key: set(of_key["file_hash"]) for (key,), of_key in _by(bundles, "bundle_hash")}
    whole = {key: files for key, files in members.items() if files <= set(hashes)}
    # A file may have several tables of one ticker: their contents tell them apart.
    batches = store.batches_of_files(sorted({*hashes, *whole})).unique(
        ["file_hash", "content_hash"], maintain_order=True
    )
    files: set[str] = set()
    parts: dict[str, list[StoredPart]] = {}
    for (key,), of_key in _by(batches, "file_hash"):
        of_files = whole.get(key, {key})
        if of_key.height < of_key["file_parts"][0] or of_files <= files:
            continue
        files |= of_files
        for row in of_key.select("ticker", "rows_delivered", "notes").iter_rows():
            if tickers is None or row[0] in tickers:
                parts.setdefault(row[0], []).append(StoredPart(*row))
    return StoredFiles(frozenset(files), parts)


def _by(rows: pl.DataFrame, column: str) -> Iterable[tuple[tuple[Any, ...], pl.DataFrame]]:
    return rows.partition_by(column, as_dict=True, maintain_order=True).items()
