"""Cells: a file's content comes in, its head lines and a frame of trimmed text cells go out."""

from __future__ import annotations

import csv
import io
import logging
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import fastexcel
import polars as pl

from src.core.errors import BadInput

if TYPE_CHECKING:
    from src.data.sources.files.reader import Content

HEAD_LINES = 3
_DELIMITERS = ",;\t|"
_HEAD_BYTES = 1 << 20
# ASCII's unit separator: text with it was refused as binary, so a whole line is one cell.
_NEVER = "\x1f"
# A column without any value is no news: what is missing from a file is said by its refusal.
logging.getLogger("fastexcel").setLevel(logging.ERROR)


class Grid(Protocol):
    """The cells of a file."""

    @property
    def head(self) -> list[list[str]]:
        """The first lines that are not blank, as trimmed cells."""
        ...

    def body(self, header_lines: int, width: int) -> pl.DataFrame:
        """Rows below the header, blank ones left out.

        ``line`` counts from 1 below the header, ``file_line`` from the top of the file, ``c0`` …
        are text (null where blank), ``torn`` is the line as written where it has more or
        fewer cells than the header, else null.
        """
        ...


def read_grid(content: Content) -> Grid:
    """The file's cells; raises BadInput when it cannot be read."""
    return _workbook(content.plain) if content.is_workbook else _text(content.plain)


@dataclass(frozen=True)
class TextGrid:
    """Delimited text; ``ends`` says after how many lines of the file each head line is over."""

    head: list[list[str]]
    ends: list[int]
    delimiter: str
    plain: bytes

    def body(self, header_lines: int, width: int) -> pl.DataFrame:
        """See Grid.body; every cell is read once, as text."""
        skipped = self.ends[header_lines - 1]
        below = self.plain.split(b"\n", skipped)[skipped:]
        text = below[0] if below else b""
        quoted = b'"' in text
        if quoted and text.count(b'"') % 2:
            raise BadInput("a quotation mark in it is never closed: save it again.")
        cells = _cells(text, self.delimiter, width + 1, quoted=quoted)
        torn = _torn(text, self.delimiter, width, cells)
        return _tidy(cells.with_columns(torn), skipped).drop(f"c{width}")


@dataclass(frozen=True)
class WorkbookGrid:
    """The first sheet of a workbook, all cells as text."""

    head: list[list[str]]
    cells: pl.DataFrame
    plain: bytes

    def body(self, header_lines: int, width: int) -> pl.DataFrame:
        """See Grid.body; a sheet has no torn rows."""
        below = self.cells.slice(header_lines)
        cells = _exact(below, _sheet(self.plain, header_lines, None)).select(below.columns[:width])
        lines = pl.int_range(1, cells.height + 1, eager=True).alias("line")
        return _tidy(cells.with_columns(lines, torn=pl.lit(None, dtype=pl.String)), header_lines)


def _text(plain: bytes) -> TextGrid:
    top = plain[:_HEAD_BYTES].decode("utf-8", errors="ignore")
    first = next((line for line in top.split("\n") if line.strip()), "")
    delimiter = max(_DELIMITERS, key=Counter(first).__getitem__)
    reader = csv.reader(io.StringIO(top), delimiter=delimiter)
    head: list[list[str]] = []
    ends: list[int] = []
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                head.append([cell.strip() for cell in row])
                ends.append(reader.line_num)
            if len(head) == HEAD_LINES:
                break
    except csv.Error as error:
        raise BadInput(f"it is no table of text ({error}): save it as CSV.") from error
    if not head:
        raise BadInput("it is empty: give a file with prices.")
    return TextGrid(head, ends, delimiter, plain)


def _cells(text: bytes, delimiter: str, width: int, *, quoted: bool) -> pl.DataFrame:
    names = [f"c{i}" for i in range(width)]
    # A header of our own: the width is the header's, not that of whichever row comes first.
    return pl.read_csv(
        delimiter.join(names).encode() + b"\n" + text,
        separator=delimiter,
        schema=dict.fromkeys(names, pl.String),
        quote_char='"' if quoted else None,
        truncate_ragged_lines=True,
        row_index_name="line",
        row_index_offset=1,
    )


def _torn(text: bytes, delimiter: str, width: int, cells: pl.DataFrame) -> pl.Series:
    lines = pl.read_csv(
        b"line\n" + text, separator=_NEVER, schema={"line": pl.String}, quote_char=None
    ).to_series()
    if lines.len() != cells.height:  # a quoted cell holds a line end, so lines are not rows
        return pl.Series("torn", [None], dtype=pl.String).new_from_index(0, cells.height)
    count = lines.str.count_matches(delimiter, literal=True).cast(pl.Int64) + 1
    surplus = cells[f"c{width}"].str.strip_chars().fill_null("") != ""
    wrong = (count < width) | (count > width + 1) | ((count == width + 1) & surplus)
    quoted = lines.str.contains('"', literal=True)
    torn = pl.when(pl.col("wrong") & ~pl.col("quoted")).then(pl.col("line"))
    return pl.DataFrame({"wrong": wrong, "quoted": quoted, "line": lines}).select(torn=torn)["torn"]


def _tidy(cells: pl.DataFrame, skipped: int) -> pl.DataFrame:
    text = pl.col(pl.String).str.strip_chars()
    named = [name for name in cells.columns if name.startswith("c")]
    trimmed = cells.with_columns(pl.when(text.str.len_bytes() > 0).then(text).name.keep())
    return trimmed.filter(pl.any_horizontal(pl.col(named).is_not_null())).with_columns(
        pl.col("line").cast(pl.Int64), file_line=pl.col("line").cast(pl.Int64) + skipped
    )


def _workbook(plain: bytes) -> WorkbookGrid:
    cells = _sheet(plain, 0, "string")
    if not cells.height:
        raise BadInput("its first sheet is empty: put the prices there.")
    cells = cells.rename({name: f"c{i}" for i, name in enumerate(cells.columns)})
    head = [[(cell or "").strip() for cell in row] for row in cells.head(HEAD_LINES).rows()]
    return WorkbookGrid(head, cells, plain)


def _sheet(plain: bytes, skipped: int, dtype: Literal["string"] | None) -> pl.DataFrame:
    try:
        book = fastexcel.read_excel(plain)
        sheet = book.load_sheet(0, header_row=None, skip_rows=skipped, dtypes=dtype)
        return sheet.to_polars()
    except (fastexcel.FastExcelError, ValueError, OverflowError) as error:
        raise BadInput("its xlsx data is damaged or holds no sheet: save it again.") from error


def _exact(cells: pl.DataFrame, typed: pl.DataFrame) -> pl.DataFrame:
    """The text cells with every digit of a fraction: as text, fastexcel keeps nine decimals."""
    if typed.shape != cells.shape:
        return cells
    columns = zip(cells.iter_columns(), typed.iter_columns(), strict=True)
    return pl.DataFrame([_digits(text, column) for text, column in columns])


def _digits(text: pl.Series, column: pl.Series) -> pl.Series:
    if column.dtype != pl.Float64:
        return text
    fraction = (column != column.floor()).fill_null(value=False)
    return column.cast(pl.String).zip_with(fraction, text).alias(text.name)
