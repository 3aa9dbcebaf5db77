"""Read the sheets of a workbook as text cells."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Literal

import fastexcel
import polars as pl

from src.core.errors import BadInput
from src.data.sources.files.grids.cells import numbered_cells, refusing, top_of

# Their warnings about empty columns and charts are noise: what lacks values is refused or named.
logging.getLogger("fastexcel").setLevel(logging.ERROR)
logging.getLogger("calamine").setLevel(logging.ERROR)
# How workbooks of Excel before 2007 begin, and newer ones that are protected.
COMPOUND = b"\xd0\xcf\x11\xe0"
_DAMAGED = "its workbook is damaged or has no sheet: save it again."
_PROTECTED = "EncryptedPackage".encode("utf-16-le")


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
        typed, _ = _load(self.book, self.name, skipped, None)
        return numbered_cells(_with_all_digits(below, typed), skipped, width)


def read_sheets(content: bytes) -> tuple[dict[str, Sheet], list[tuple[str, str]]]:
    """The visible sheets that are not empty, by name, and reasons and names of the others.

    Raises:
        BadInput: The workbook is damaged, or has no such sheet.
    """
    if content.startswith(COMPOUND):
        # A damaged one makes the library that could read it take all memory there is.
        is_protected = _PROTECTED in content
        raise BadInput(
            "it is protected by a password: save it without one."
            if is_protected
            else "it is a workbook of Excel before 2007: save it as xlsx."
        )
    with refusing(_DAMAGED, fastexcel.FastExcelError, ValueError, OverflowError):
        book = fastexcel.read_excel(content)
    sheets: dict[str, Sheet] = {}
    unread = []
    for name in book.sheet_names:
        cells, is_visible = _load(book, name, 0, "string")
        cells = cells.rename({column: f"c{i}" for i, column in enumerate(cells.columns)})
        head, ends = top_of(cells)
        if not is_visible:
            unread.append(("hidden", name))
        elif not head:  # a chart is an empty sheet, too
            unread.append(("empty", name))
        else:
            sheets[name] = Sheet(head, ends, cells, book, name)
    if not sheets:
        raise BadInput("all its sheets are empty or hidden: put the prices into a visible one.")
    return sheets, unread


def _load(
    book: fastexcel.ExcelReader, name: str, skipped: int, dtype: Literal["string"] | None
) -> tuple[pl.DataFrame, bool]:
    """A sheet's cells, and whether it is visible."""
    with refusing(_DAMAGED, fastexcel.FastExcelError, ValueError, OverflowError):
        sheet = book.load_sheet(name, header_row=None, skip_rows=skipped, dtypes=dtype)
        return sheet.to_polars(), sheet.visible == "visible"


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
