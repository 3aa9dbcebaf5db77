"""What an archive says of itself: its tables, files and live models, with hashes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from src.db.transfer.catalogue import StoredTable

FORMAT = 1


@dataclass(frozen=True)
class TableCopy:
    """A table in an archive: the number of its rows, SHA-256 and size of their text."""

    table: StoredTable
    rows: int
    sha256: str
    size: int

    @property
    def member(self) -> str:
        """Its name in the archive."""
        return f"database/{self.table.title}.copy"


@dataclass(frozen=True)
class Manifest:
    """What an archive holds.

    Attributes:
        made_at: UTC, ISO 8601.
        postgresql: Version of the server that it was read from.
        revision: Of the schema.
        sequences: Last value of each sequence.
        live: Pool, horizon and digest of the models that were live.
        files: SHA-256 and size by place below the home folder.
    """

    made_at: str
    code_version: str
    postgresql: str
    revision: str
    tables: tuple[TableCopy, ...]
    sequences: Mapping[str, int]
    live: tuple[tuple[str, str, str], ...]
    files: Mapping[str, Mapping[str, Any]]

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(table.rows for table in self.tables)

    def to_json(self) -> bytes:
        """As it stands in the archive."""
        fields = asdict(self)
        for table in fields["tables"]:
            table["table"]["collated"] = sorted(table["table"]["collated"])
            table["table"]["parents"] = sorted(table["table"]["parents"])
        # Columns stay in their order.
        return json.dumps({"format": FORMAT, **fields}, indent=1).encode()


def parse(text: bytes) -> Manifest:
    """The manifest of an archive; what is none raises some error."""
    fields = json.loads(text)
    if fields.pop("format") != FORMAT:
        raise ValueError("it was made by another version of the code: update this one")
    tables = tuple(_table(table) for table in fields.pop("tables"))
    live = tuple((pool, horizon, digest) for pool, horizon, digest in fields.pop("live"))
    return Manifest(tables=tables, live=live, **fields)


def _table(fields: dict[str, Any]) -> TableCopy:
    table = fields.pop("table")
    order, collated, parents = table.pop("order"), table.pop("collated"), table.pop("parents")
    stored = StoredTable(
        **table, order=tuple(order), collated=frozenset(collated), parents=frozenset(parents)
    )
    return TableCopy(stored, **fields)
