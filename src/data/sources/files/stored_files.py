"""Recognise the files whose contents are stored already, so that they need not be parsed again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

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


def find_stored(store: Store, hashes: Collection[str]) -> dict[str, list[StoredPart]]:
    """The parts of each file that is stored as a whole, by the file's hash.

    A file of which a part was refused, or withdrawn later, is not among them.
    """
    # A file may have several tables of one ticker: their contents tell them apart.
    batches = store.batches_of_files(sorted(hashes)).unique(
        ["file_hash", "content_hash"], maintain_order=True
    )
    parts: dict[str, list[StoredPart]] = {}
    expected: dict[str, int] = {}
    for row in batches.iter_rows(named=True):
        part = StoredPart(row["ticker"], row["rows_delivered"], row["notes"])
        parts.setdefault(row["file_hash"], []).append(part)
        expected[row["file_hash"]] = row["file_parts"]
    return {key: found for key, found in parts.items() if len(found) == expected[key]}
