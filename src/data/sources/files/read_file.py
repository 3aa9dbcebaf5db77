"""Read one price file: to the deliveries in it, or to tables that can be merged with others."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from src.core.errors import BadInput
from src.data.sources.files.deliveries import DeliveryFacts, deliveries, market_tables
from src.data.sources.files.parse_file import parse_file
from src.data.sources.files.reader import unpack

if TYPE_CHECKING:
    from src.data.sources.files.market.merge import Dated
    from src.data.sources.files.market.tables import MarketTable
    from src.data.sources.files.parse import ParseOptions
    from src.data.sources.files.reader import PriceFile
    from src.data.sources.files.stored_files import FileHashes


@dataclass(frozen=True)
class ReadingRules:
    """What decides how files are read, and by what they are recognised when they come again."""

    options: ParseOptions
    facts: DeliveryFacts
    hashes: FileHashes


@dataclass(frozen=True)
class FileRead:
    """What was read of a file.

    Attributes:
        pieces: Its deliveries, or its tables, whose ``hash_of`` lacks the digest of the file.
        failures: Why parts of it or all were refused.
        unread: Place, reason and name of what was passed over.
    """

    pieces: list[Dated | MarketTable]
    failures: list[BadInput]
    unread: list[tuple[Path, str, str]]


def read_file(rules: ReadingRules, file: PriceFile, packed: bytes) -> FileRead:
    """The content of a file with these bytes, as it is on disk."""
    try:
        content = unpack(packed)
    except BadInput as error:
        return refused_file(file, error)
    parsed = parse_file(content, file, rules.options)
    failures = [BadInput(f"{file.path}: {failure}") for failure in parsed.failures]
    unread = [
        (file.path if name else file.folder or file.path.parent, reason, name or file.path.name)
        for reason, name in parsed.unread
    ]
    # What states actions is merged into the ledger every time that it is given.
    actions = any(table.filtered.actions is not None for _, table in parsed.tables)
    key = "" if failures or actions else rules.hashes.key(packed, file)
    tables = market_tables(parsed, file.path, key, rules.facts)
    if tables:
        return FileRead(list(tables), failures, unread)
    digest = hashlib.sha256(packed)
    return FileRead(list(deliveries(parsed, file.path, digest, key, rules.facts)), failures, unread)


def refused_file(file: PriceFile, error: BadInput) -> FileRead:
    """A file that cannot be read at all."""
    return FileRead([], [BadInput(f"{file.path}: {error}")], [])
