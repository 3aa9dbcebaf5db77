"""Find headers that stand again among a file's rows, as in files that were put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from src.core.errors import BadInput
from src.data.sources.files.layouts.words import LETTERS, canonical, field_of

if TYPE_CHECKING:
    from src.data.sources.files.layouts.layout import Layout


def split_second_headers(layout: Layout, cells: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Separate the lines that repeat the header from the rows.

    Raises:
        BadInput: where a second header may begin the prices of another share, or names the columns
            in another order.
    """
    close = next(iter(layout.values.values()))["close"]
    words = cells[f"c{close}"]
    texts = words.filter(words.str.contains("[A-Za-z]").fill_null(value=False)).unique()
    names = [text for text in texts if field_of(text) or text.lower() in LETTERS]
    if not names or not layout.header_lines:
        return cells, cells.clear()
    is_header = words.is_in(names)
    headers = cells.filter(is_header)
    _check_same(layout, headers)
    _check_one_table(layout, cells, is_header)
    return cells.filter(~is_header), headers


def rejected_headers(headers: pl.DataFrame, ticker: str) -> pl.DataFrame:
    """The lines as rejected rows, under a ticker of the file."""
    return headers.select(
        pl.lit(ticker).alias("ticker"),
        "line",
        pl.col("c0").fill_null("").alias("at"),
        pl.lit("repeated_header").alias("rule"),
        pl.lit("the line is the header again").alias("reason"),
        pl.lit(None).alias("key"),
    )


def _check_same(layout: Layout, headers: pl.DataFrame) -> None:
    names = [canonical(name) for name in layout.names]
    columns = [f"c{place}" for place in range(len(names)) if f"c{place}" in headers.columns]
    for line, *row in headers.select("file_line", *columns).iter_rows():
        if (
            None not in layout.values
            or [canonical(cell or "") for cell in row] != names[: len(row)]
        ):
            raise BadInput(
                f"line {line} is a second header, with other columns or of other tickers: save "
                "each table as a file of its own."
            )


def _check_one_table(layout: Layout, cells: pl.DataFrame, is_header: pl.Series) -> None:
    """Refuse a title above a second header: the rows below it may be of another share."""
    if layout.symbol is not None:
        return
    columns = [pl.col(f"c{place}") for place in range(len(layout.names))]
    filled = cells.select(pl.sum_horizontal(column.is_not_null() for column in columns)).to_series()
    is_title = (filled == 1).shift(1, fill_value=False) & is_header
    if is_title.any():
        line = cells.filter(is_title)["file_line"][0]
        raise BadInput(
            f"line {line} is a second header below a title, so that its rows may be of another "
            "share: save each table as a file of its own."
        )
