"""Define a table of text cells as a file has it, and trim and number its rows."""

from __future__ import annotations

from typing import Protocol

import polars as pl

# Above a header there may be titles and symbols.
HEAD_LINES = 12


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
