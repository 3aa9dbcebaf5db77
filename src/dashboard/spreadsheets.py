"""Give tables to spreadsheets, which take a text that begins as a formula for one."""

from __future__ import annotations

import polars as pl
import polars.selectors as cs

# What a formula begins with, also after blanks or in full width, and what may hide its beginning.
_FORMULA = r"^(\s*[=+\-@＝＋－＠]|[\t\r\n])"


def harmless(table: pl.DataFrame) -> pl.DataFrame:
    """The table with an apostrophe before each text that would be a formula; numbers stay."""
    return table.with_columns(cs.string().str.replace(_FORMULA, "'${1}"))


def csv_file(table: pl.DataFrame) -> bytes:
    """The table as CSV in UTF-8, harmless to a spreadsheet."""
    return harmless(table).write_csv().encode()
