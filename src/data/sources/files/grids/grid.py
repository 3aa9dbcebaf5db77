"""Read all tables of a file, of whatever form it is: each sheet and each member of an archive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from src.data.sources.files.containers.archives import ZIP
from src.data.sources.files.containers.encodings import as_utf8
from src.data.sources.files.grids.candles import read_json
from src.data.sources.files.grids.columnar import ARROW, OLD_FEATHER, PARQUET, read_columns
from src.data.sources.files.grids.text import read_text
from src.data.sources.files.grids.workbook import COMPOUND, read_sheets

if TYPE_CHECKING:
    import polars as pl

    from src.data.sources.files.grids.cells import Table
    from src.data.sources.files.reader import Member


@dataclass(frozen=True)
class Grid:
    """One table of a file.

    Attributes:
        table: Its cells.
        file_name: The name of the file, or of the member of an archive, that it is in.
        sheet: The name of its sheet; None where the file is no workbook.
        place: Where in its file it is, for messages; empty where the file has no other.
        vendor: Whose prices they are, where the file's form shows it.
    """

    table: Table
    file_name: str
    sheet: str | None = None
    place: str = ""
    vendor: str | None = None

    @property
    def head(self) -> list[list[str]]:
        """See ``Table.head``."""
        return self.table.head

    @property
    def ends(self) -> list[int]:
        """See ``Table.ends``."""
        return self.table.ends

    @property
    def delimiter(self) -> str:
        """See ``Table.delimiter``."""
        return self.table.delimiter

    def body(self, header_lines: int, width: int) -> pl.DataFrame:
        """See ``Table.body``."""
        return self.table.body(header_lines, width)


def read_grids(
    member: Member, file_name: str, place: str
) -> tuple[list[Grid], list[tuple[str, str]]]:
    """The tables of a file or of a member of an archive; reasons and names of what else it has.

    ``file_name`` is the name of the file and ``place`` where in it the member is, empty where it
    has no other.

    Raises:
        BadInput: It cannot be read.
    """
    name = member.name.rpartition("/")[2] or file_name
    content = member.read()
    if content.startswith((ZIP, COMPOUND)):
        return _sheets(content, name, place)
    if content.startswith((PARQUET, ARROW, OLD_FEATHER)):
        return [Grid(read_columns(content), name, place=place)], []
    text = as_utf8(content)
    if text.lstrip()[:1] in (b"{", b"["):
        table, vendor = read_json(text)
        return [Grid(table, name, place=place, vendor=vendor)], []
    return [Grid(read_text(text), name, place=place)], []


def _sheets(content: bytes, name: str, place: str) -> tuple[list[Grid], list[tuple[str, str]]]:
    sheets, unread = read_sheets(content)
    many = len(sheets) > 1
    grids = [
        Grid(table, name, sheet=sheet, place=_join(place, f"sheet {sheet}" if many else ""))
        for sheet, table in sheets.items()
    ]
    return grids, [(reason, _join(place, f"sheet {sheet}")) for reason, sheet in unread]


def _join(*parts: str) -> str:
    return ", ".join(filter(None, parts))
