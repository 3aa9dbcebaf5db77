"""Read the cells of a text file or workbook as trimmed text."""

from __future__ import annotations

import csv
import io
import logging
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import fastexcel
import polars as pl

from src.core.errors import BadInput

if TYPE_CHECKING:
    from src.data.sources.files.reader import Content

HEAD_LINES = 3
_DELIMITERS = ",;\t|"
_HEAD_BYTES = 1 << 20
# ASCII's unit separator, which no text has (the reader refuses it as binary): so that a whole line
# is read as one cell.
_UNUSED_SEPARATOR = "\x1f"
# The white space that a line of ASCII may have.
_SPACES = (b" ", b"\t", b"\x0b", b"\x0c")
# Its warnings about empty columns are noise: a file that lacks values is refused with a reason.
logging.getLogger("fastexcel").setLevel(logging.ERROR)


def read_grid(content: Content) -> TextGrid | WorkbookGrid:
    """The file's cells; raises BadInput when it cannot be read."""
    return _workbook(content.unpacked) if content.is_workbook else _text(content.unpacked)


@dataclass(frozen=True)
class TextGrid:
    """Delimited text.

    ``head`` has the first lines that are not blank, as trimmed cells, ``ends`` the number of the
    file's line at which each of them ends.
    """

    head: list[list[str]]
    ends: list[int]
    delimiter: str
    content: bytes

    def body(self, header_lines: int, width: int) -> pl.DataFrame:
        """Rows below the header, blank ones left out.

        ``line`` counts from 1 below the header, ``file_line`` from the top of the file, ``c0`` …
        are text (null where blank), ``ragged`` is the line as written where it has more or fewer
        cells than the header, else null.
        """
        skipped = self.ends[header_lines - 1]
        below = self.content.split(b"\n", skipped)[skipped:]
        text = below[0] if below else b""
        quoted = b'"' in text
        if quoted and text.count(b'"') % 2:
            raise BadInput("a quotation mark in it is never closed: save the file again.")
        cells = _cells(text, self.delimiter, width + 1, quoted=quoted)
        if not quoted and _is_regular(text, self.delimiter, width, cells):
            # As nearly all files are: nothing is ragged, blank or to be trimmed.
            return _numbered(
                cells.select("line", *cells.columns[1:-1], ragged=pl.lit(None, dtype=pl.String)),
                skipped,
            )
        ragged = _ragged(text, self.delimiter, width, cells)
        return _trimmed(cells.with_columns(ragged), skipped).drop(f"c{width}")


@dataclass(frozen=True)
class WorkbookGrid:
    """The first sheet of a workbook, all cells as text."""

    head: list[list[str]]
    cells: pl.DataFrame
    content: bytes

    def body(self, header_lines: int, width: int) -> pl.DataFrame:
        """See ``TextGrid.body``; a sheet has no ragged rows."""
        below = self.cells.slice(header_lines)
        typed = _sheet(self.content, header_lines, None)
        cells = _with_all_digits(below, typed).select(below.columns[:width])
        lines = pl.int_range(1, cells.height + 1, eager=True).alias("line")
        numbered = cells.with_columns(lines, ragged=pl.lit(None, dtype=pl.String))
        return _trimmed(numbered, header_lines)


def _text(content: bytes) -> TextGrid:
    top = content[:_HEAD_BYTES].decode("utf-8", errors="ignore")
    first = next((line for line in io.StringIO(top) if line.strip()), "")
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
        raise BadInput(f"it is not a table of text ({error}): save it as CSV.") from error
    if not head:
        raise BadInput("it is empty: give a file with prices.")
    return TextGrid(head, ends, delimiter, content)


def _cells(text: bytes, delimiter: str, width: int, *, quoted: bool) -> pl.DataFrame:
    names = [f"c{i}" for i in range(width)]
    # A synthetic header, so that the width is the header's, not that of the first row.
    return pl.read_csv(
        delimiter.join(names).encode() + b"\n" + text,
        separator=delimiter,
        schema=dict.fromkeys(names, pl.String),
        quote_char='"' if quoted else None,
        truncate_ragged_lines=True,
        row_index_name="line",
        row_index_offset=1,
    )


def _is_regular(text: bytes, delimiter: str, width: int, cells: pl.DataFrame) -> bool:
    """Whether all lines have as many cells as the header, and none begins or ends with a space."""
    if cells[f"c{width - 1}"].null_count() or not text.isascii():
        return False
    # Each line has at least as many cells as the header, so that none can have more.
    if text.count(delimiter.encode()) != (width - 1) * cells.height:
        return False
    framed = b"\n%b\n" % text
    return not any(
        pair in framed
        for space in _SPACES
        if space != delimiter.encode() and space in text
        for border in (b"\n", delimiter.encode())
        for pair in (space + border, border + space)
    )


def _ragged(text: bytes, delimiter: str, width: int, cells: pl.DataFrame) -> pl.Series:
    lines = pl.read_csv(
        b"line\n" + text, separator=_UNUSED_SEPARATOR, schema={"line": pl.String}, quote_char=None
    ).to_series()
    if lines.len() != cells.height:  # a quoted cell has a line end in it, so lines are not rows
        return pl.Series("ragged", [None], dtype=pl.String).new_from_index(0, cells.height)
    count = lines.str.count_matches(delimiter, literal=True).cast(pl.Int64) + 1
    surplus = cells[f"c{width}"].str.strip_chars().fill_null("") != ""
    wrong = (count < width) | (count > width + 1) | ((count == width + 1) & surplus)
    quoted = lines.str.contains('"', literal=True)
    ragged = pl.when(pl.col("wrong") & ~pl.col("quoted")).then(pl.col("line"))
    marked = pl.DataFrame({"wrong": wrong, "quoted": quoted, "line": lines})
    return marked.select(ragged=ragged).to_series()


def _trimmed(cells: pl.DataFrame, skipped: int) -> pl.DataFrame:
    text = pl.col(pl.String).str.strip_chars()
    columns = [name for name in cells.columns if name.startswith("c")]
    cells = cells.with_columns(pl.when(text.str.len_bytes() > 0).then(text).name.keep())
    return _numbered(cells.filter(pl.any_horizontal(pl.col(columns).is_not_null())), skipped)


def _numbered(cells: pl.DataFrame, skipped: int) -> pl.DataFrame:
    line = pl.col("line").cast(pl.Int64)
    return cells.with_columns(line, file_line=line + skipped)


def _workbook(content: bytes) -> WorkbookGrid:
    cells = _sheet(content, 0, "string")
    if not cells.height:
        raise BadInput("its first sheet is empty: put the prices there.")
    cells = cells.rename({name: f"c{i}" for i, name in enumerate(cells.columns)})
    head = [[(cell or "").strip() for cell in row] for row in cells.head(HEAD_LINES).rows()]
    return WorkbookGrid(head, cells, content)


def _sheet(content: bytes, skipped: int, dtype: Literal["string"] | None) -> pl.DataFrame:
    try:
        book = fastexcel.read_excel(content)
        sheet = book.load_sheet(0, header_row=None, skip_rows=skipped, dtypes=dtype)
        return sheet.to_polars()
    except (fastexcel.FastExcelError, ValueError, OverflowError) as error:
        raise BadInput("its xlsx data is damaged or has no sheet: save it again.") from error


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
