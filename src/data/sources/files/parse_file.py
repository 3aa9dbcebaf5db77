"""Parse all tables of a price file: the sheets of a workbook, the members of a zip archive."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from src.core.calendars.calendar import OutsideCalendar
from src.core.errors import BadInput
from src.data.sources.files.grids.grid import read_grids
from src.data.sources.files.parse import parse_rows
from src.data.sources.files.rows.by_ticker import by_ticker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from src.data.sources.files.grids.grid import Grid
    from src.data.sources.files.parse import ParseOptions
    from src.data.sources.files.reader import Content, PriceFile
    from src.data.sources.files.rows.by_ticker import ParsedGrid, TickerRows


@dataclass
class ParsedFile:
    """What became of a file's tables.

    Attributes:
        tables: Those that were read, with their rows.
        failures: Why tables were refused; the sentences begin after the path.
        unread: Reasons and names of the members and sheets that were passed over; the name is empty
            for the whole file.
    """

    tables: list[tuple[Grid, ParsedGrid]] = field(default_factory=list)
    failures: list[BadInput] = field(default_factory=list)
    unread: list[tuple[str, str]] = field(default_factory=list)

    def by_ticker(self) -> list[tuple[Grid, TickerRows]]:
        """The rows of each ticker, with the table that they are from."""
        return [(grid, part) for grid, table in self.tables for part in by_ticker(table)]


def parse_file(content: Content, file: PriceFile, options: ParseOptions) -> ParsedFile:
    """The rows of all tables in a file.

    A table that cannot be used does not keep the others back.
    """
    parsed = ParsedFile(unread=list(content.unread))
    for grid, is_only in tables_of(content, file.path, parsed):
        explicit = file.explicit and is_only
        try:
            table = parse_rows(grid, options, explicit=explicit)
        except (BadInput, OutsideCalendar, pl.exceptions.PolarsError) as error:
            parsed.failures.append(_failure(error, grid.place))
            continue
        if table is None:
            parsed.unread.append(
                (f"no prices of {options.ticker or 'the chosen tickers'}", grid.place)
            )
        else:
            parsed.tables.append((grid, table))
    return parsed


def tables_of(content: Content, path: Path, parsed: ParsedFile) -> Iterator[tuple[Grid, bool]]:
    """The file's tables, and whether each is the only one; what cannot be read is noted."""
    has_one = len(content.members) == 1
    for member in content.members:
        place = "" if has_one else member.name
        try:
            grids, unread = read_grids(member, path.name, place)
        except (BadInput, pl.exceptions.PolarsError) as error:
            parsed.failures.append(_failure(error, place))
            continue
        parsed.unread += unread
        yield from ((grid, has_one and len(grids) == 1) for grid in grids)


def _failure(error: Exception, place: str) -> BadInput:
    where = f"{place}: " if place else ""
    if isinstance(error, pl.exceptions.PolarsError):
        return BadInput(f"{where}it is not a table of prices: save it as CSV.")
    return BadInput(f"{where}{error}")
