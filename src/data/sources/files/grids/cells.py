"""Define a table of text cells as a file has it, and trim and number its rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from src.core.errors import BadInput

# Above a header there may be titles and symbols.
HEAD_LINES = 12


@contextmanager
def refusing(sentence: str, *errors: type[Exception]) -> Iterator[None]:
    """Turn these errors of a library, and its panics, into BadInput of this sentence.

    A panic of Rust code is no ``Exception``, and each library has a class of its own for it.
    """
    try:
        yield
    except errors as error:
        raise BadInput(sentence) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise BadInput(sentence) from error


class Table(Protocol):
    """The cells of a text, of a sheet or of one other table in a file."""

    @property
    def head(self) -> list[list[str]]:
        """The first lines that are not blank, up to ``HEAD_LINES``, as trimmed cells."""
        ...

    @property
    def ends(self) -> list[int]:
        """The number of the line, from 1, at which each line of ``head`` ends."""
        ...

    @property
    def delimiter(self) -> str:
        """What separates the cells of a text; empty in all else."""
        ...

    def body(self, header_lines: int, width: int) -> pl.DataFrame:
        """Rows below the first ``header_lines`` of ``head``, blank ones left out.

        ``line`` counts from 1 below the header, ``file_line`` from the top of the file, ``c0`` …
        are text (null where blank), ``ragged`` is the line as written where it has more or fewer
        cells than the header, else null.
        """
        ...


@dataclass(frozen=True)
class CellTable:
    """A table that has all its cells as text, ``c0`` …, the names of its columns among them."""

    head: list[list[str]]
    ends: list[int]
    cells: pl.DataFrame
    delimiter: str = ""

    def body(self, header_lines: int, width: int) -> pl.DataFrame:
        """See ``Table.body``; it has no ragged rows."""
        skipped = self.ends[header_lines - 1] if header_lines else 0
        return numbered_cells(self.cells.slice(skipped), skipped, width)


def table_of(columns: Sequence[pl.Series]) -> CellTable:
    """The table of these columns of text, their names as its first line."""
    cells = pl.DataFrame(
        [
            pl.concat([pl.Series(f"c{i}", [column.name], pl.String), column.alias(f"c{i}")])
            for i, column in enumerate(columns)
        ]
    )
    return CellTable(*top_of(cells), cells)


def top_of(cells: pl.DataFrame) -> tuple[list[list[str]], list[int]]:
    """``Table.head`` and ``Table.ends`` of all cells of a table."""
    head: list[list[str]] = []
    ends: list[int] = []
    for number, row in enumerate(cells.iter_rows(), start=1):
        if any(cell and cell.strip() for cell in row):
            head.append([one_line(cell or "") for cell in row])
            ends.append(number)
        if len(head) == HEAD_LINES:
            break
    return head, ends


def one_line(cell: str) -> str:
    """A cell of a header without the blanks around it, and with one for each line end in it."""
    return " ".join(cell.split())


def numbered_cells(cells: pl.DataFrame, skipped: int, width: int) -> pl.DataFrame:
    """``Table.body`` of the cells below the line ``skipped``."""
    lines = pl.int_range(1, cells.height + 1, eager=True).alias("line")
    kept = cells.select(cells.columns[:width])
    return trimmed(kept.with_columns(lines, ragged=pl.lit(None, dtype=pl.String)), skipped)


def trimmed(cells: pl.DataFrame, skipped: int) -> pl.DataFrame:
    """``Table.body`` of raw cells with ``line``, from the line ``skipped`` on."""
    text = pl.col(pl.String).str.strip_chars()
    columns = [name for name in cells.columns if name.startswith("c")]
    cells = cells.with_columns(pl.when(text.str.len_bytes() > 0).then(text).name.keep())
    return numbered(cells.filter(pl.any_horizontal(pl.col(columns).is_not_null())), skipped)


def numbered(cells: pl.DataFrame, skipped: int) -> pl.DataFrame:
    """The cells with ``file_line``."""
    line = pl.col("line").cast(pl.Int64)
    return cells.with_columns(line, file_line=line + skipped)
