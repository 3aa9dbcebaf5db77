"""Read delimited text: find its separator and its first lines, and its rows as text cells."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass

import polars as pl

from src.core.errors import BadInput
from src.data.sources.files.grids.cells import HEAD_LINES, numbered, one_line, trimmed

_DELIMITERS = ",;\t|"
_HEAD_BYTES = 1 << 20
# ASCII's unit separator, which no text has (the reader refuses it as binary): so that a whole line
# is read as one cell.
_UNUSED_SEPARATOR = "\x1f"
# The white space that a line of ASCII may have.
_SPACES = (b" ", b"\t", b"\x0b", b"\x0c")
# Open, high, low and close.
_NUMBERS_OF_BAR = 4
# The line by which Excel is told the separator.
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?[;,|\s]*', re.IGNORECASE)


@dataclass(frozen=True)
class TextTable:
    """Delimited text (see ``Table``), of which ``top`` lines say only what the separator is."""

    head: list[list[str]]
    ends: list[int]
    delimiter: str
    content: bytes
    top: int = 0

    def body(self, header_lines: int, width: int) -> pl.DataFrame:
        """See ``Table.body``."""
        skipped = self.ends[header_lines - 1] if header_lines else self.top
        below = self.content.split(b"\n", skipped)[skipped:]
        text = below[0] if below else b""
        quoted = b'"' in text
        if quoted and text.count(b'"') % 2:
            raise BadInput("a quotation mark in it is never closed: save the file again.")
        cells = _cells(text, self.delimiter, width + 1, quoted=quoted)
        if not quoted and _is_regular(text, self.delimiter, width, cells):
            # As nearly all files are: nothing is ragged, blank or to be trimmed.
            return numbered(
                cells.select("line", *cells.columns[1:-1], ragged=pl.lit(None, dtype=pl.String)),
                skipped,
            )
        ragged = _ragged(text, self.delimiter, width, cells)
        return trimmed(cells.with_columns(ragged), skipped).drop(f"c{width}")


def read_text(content: bytes) -> TextTable:
    """The table in a text as ``as_utf8`` gives it; raises BadInput."""
    top = content[:_HEAD_BYTES].decode("utf-8", errors="ignore")
    stated = _stated_separator(top)
    skipped = 1 if stated else 0
    delimiter = stated or max(_DELIMITERS, key=lambda mark: _agreement(top, mark))
    try:
        head, ends = _head(top, delimiter, HEAD_LINES + skipped)
    except csv.Error as error:
        raise BadInput(f"it is not a table of text ({error}): save it as CSV.") from error
    if len(head) == skipped:
        raise BadInput("it is empty: give a file with prices.")
    if _is_aligned(head):
        raise BadInput("its columns are separated by blanks: save it with commas or tabs.")
    top_lines = ends[0] if stated else 0
    return TextTable(head[skipped:], ends[skipped:], delimiter, content, top_lines)


def _stated_separator(top: str) -> str | None:
    """The separator that the first line names, if it does."""
    first = next((line for line in io.StringIO(top) if line.strip()), "")
    match = _SEPARATOR_LINE.fullmatch(first.rstrip("\n"))
    if match is None:
        return None
    mark = match[1]
    if not mark.isascii() or mark.isalnum() or mark in "\"' .-":
        raise BadInput(f"its first line names {mark!r} as separator: save it with commas or tabs.")
    return mark


def _head(top: str, delimiter: str, count: int) -> tuple[list[list[str]], list[int]]:
    """The first lines that are not blank, as trimmed cells, and where each of them ends."""
    reader = csv.reader(io.StringIO(top), delimiter=delimiter)
    head: list[list[str]] = []
    ends: list[int] = []
    for row in reader:
        if any(cell.strip() for cell in row):
            head.append([one_line(cell) for cell in row])
            ends.append(reader.line_num)
        if len(head) == count:
            break
    return head, ends


def _agreement(top: str, delimiter: str) -> tuple[int, int]:
    """How many of the first lines a separator takes apart into equally many cells, and how many."""
    try:
        head, _ = _head(top, delimiter, HEAD_LINES)
    except csv.Error:
        return (0, 0)
    widths = Counter(len(row) for row in head if len(row) > 1)
    return max(((lines, width) for width, lines in widths.items()), default=(0, 0))


def _is_aligned(head: list[list[str]]) -> bool:
    """Whether lines of one cell each have several numbers between blanks."""
    if any(len(row) > 1 for row in head):
        return False
    return any(sum(map(_is_number, row[0].split())) >= _NUMBERS_OF_BAR for row in head)


def _is_number(word: str) -> bool:
    return word.replace(".", "", 1).replace(",", "").isdigit()


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
    # Blank cells beyond the header's are a matter of how the file was saved.
    written = lines.str.strip_chars_end(f"{delimiter} ")
    cells_of, filled = (_count_cells(texts, delimiter) for texts in (lines, written))
    wrong = (cells_of < width) | (filled > width)
    quoted = lines.str.contains('"', literal=True)
    ragged = pl.when(pl.col("wrong") & ~pl.col("quoted")).then(pl.col("line"))
    marked = pl.DataFrame({"wrong": wrong, "quoted": quoted, "line": lines})
    return marked.select(ragged=ragged).to_series()


def _count_cells(lines: pl.Series, delimiter: str) -> pl.Series:
    return lines.str.count_matches(delimiter, literal=True).cast(pl.Int64) + 1
