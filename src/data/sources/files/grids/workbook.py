"""Read the sheets of a workbook as text cells."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Literal

import fastexcel
import polars as pl

from src.core.errors import BadInput
from src.data.sources.files.grids.cells import HEAD_LINES, trimmed

# Its warnings about empty columns are noise: a file that lacks values is refused with a reason.
logging.getLogger("fastexcel").setLevel(logging.ERROR)


@dataclass(frozen=True)
class Sheet:
    """A sheet's cells as text (see ``Table``)."""

    head: list[list[str]]
    ends: list[int]
    cells: pl.DataFrame
    book: fastexcel.ExcelReader
    name: str
    delimiter: str = ""

    def body(self, header_lines: int, width: int) -> pl.DataFrame:
        """See ``Table.body``; a sheet has no ragged rows."""
        skipped = self.ends[header_lines - 1] if header_lines else 0
        below = self.cells.slice(skipped)
        typed = _load(self.book, self.name, skipped, None)
        cells = _with_all_digits(below, typed).select(below.columns[:width])
        lines = pl.int_range(1, cells.height + 1, eager=True).alias("line")
        numbered = cells.with_columns(lines, ragged=pl.lit(None, dtype=pl.String))
        return trimmed(numbered, skipped)


def read_sheets(content: bytes) -> tuple[dict[str, Sheet], list[str]]:
    """The visible sheets that are not empty, by name, and the names of all others.

    Raises:
        BadInput: The workbook is damaged, or has no such sheet.
    """
    try:
        book = fastexcel.read_excel(content)
        names = book.sheet_names
    except (fastexcel.FastExcelError, ValueError, OverflowError) as error:
        raise BadInput(_DAMAGED) from error
    sheets: dict[str, Sheet] = {}
    for name in names:
        sheet = _read(book, name)
        if sheet is not None:
            sheets[name] = sheet
    if not sheets:
        raise BadInput("all its sheets are empty or hidden: put the prices into a visible one.")
    return sheets, [name for name in names if name not in sheets]


def _read(book: fastexcel.ExcelReader, name: str) -> Sheet | None:
    """The sheet; None when it is hidden, empty or a chart."""
    try:
        if book.load_sheet(name, n_rows=1, header_row=None).visible != "visible":
            return None
    except fastexcel.FastExcelError:  # a sheet without cells, such as a chart
        return None
    cells = _load(book, name, 0, "string")
    cells = cells.rename({column: f"c{i}" for i, column in enumerate(cells.columns)})
    head, ends = [], []
    for number, row in enumerate(cells.iter_rows(), start=1):
        if any(cell and cell.strip() for cell in row):
            head.append([(cell or "").strip() for cell in row])
            ends.append(number)
        if len(head) == HEAD_LINES:
            break
    return Sheet(head, ends, cells, book, name) if head else None


def _load(
    book: fastexcel.ExcelReader, name: str, skipped: int, dtype: Literal["string"] | None
) -> pl.DataFrame:
    try:
        return book.load_sheet(name, header_row=None, skip_rows=skipped, dtypes=dtype).to_polars()
    except (fastexcel.FastExcelError, ValueError, OverflowError) as error:
        raise BadInput(_DAMAGED) from error


_DAMAGED = "its xlsx data is damaged or has no sheet: save it again."


def _with_all_digits(cells: pl.DataFrame, typed: pl.DataFrame) -> pl.DataFrame:
    """The text cells with all digits of fractions: as text, fastexcel keeps nine decimals."""
    if typed.shape != cells.shape:
        return cells
    columns = zip(cells.iter_columns(), typed.iter_columns(), strict=True)
    return pl.DataFrame([_digits(text, column) for text, column in columns])


def _digits(text: pl.Series, column: pl.Series) -> pl.Series:
    if column.dtype != pl.Float64:
        return text
    fraction = (column != column.floor()).fill_null(value=False)
    return column.cast(pl.String).zip_with(fraction, text).alias(text.name)
