"""Find headers that stand again among a file's rows, as in files that were put together."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import polars as pl

from src.core.errors import BadInput
from src.data.sources.files.layouts.words import DATES, LETTERS, canonical, field_of

if TYPE_CHECKING:
    from src.data.sources.files.layouts.layout import Layout

# In days, and relative to a close.
_LONGEST_HOLIDAYS, _SAME_LEVEL = 10, 0.2


def split_second_headers(layout: Layout, cells: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Separate the lines that repeat the header from the rows.

    Raises:
        BadInput: where a second header may begin the prices of another share, or names the columns
            in another order.
    """
    if not layout.header_lines:
        return cells, cells.clear()
    close = cells[f"c{next(iter(layout.values.values()))['close']}"]
    date = cells[f"c{layout.dates[0]}"]
    if not any(column.str.contains("[A-Za-z]").any() for column in (close, date)):
        return cells, cells.clear()
    is_header = _has_words(close, _is_price_name) | _has_words(date, _is_date_name)
    headers = cells.filter(is_header)
    if headers.is_empty():
        return cells, headers
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


def check_one_share(layout: Layout, rows: pl.DataFrame, headers: pl.DataFrame) -> None:
    """Refuse rows below a second header that may be of another share than those above it.

    They are of the same share where symbols say so, or where they continue its dates and its
    prices. ``rows`` have ``line``, ``key`` and ``close``.

    Raises:
        BadInput: where they do neither.
    """
    if layout.symbol is not None or None not in layout.values:
        return
    rows = rows.drop_nulls("close").sort("line")
    for line, file_line in headers.select("line", "file_line").iter_rows():
        above, below = rows.filter(pl.col("line") < line), rows.filter(pl.col("line") > line)
        if above.is_empty() or below.is_empty() or _continues(above, below):
            continue
        raise BadInput(
            f"line {file_line} is the header again, and the rows below it may be of another share: "
            "save each table as a file of its own, or add a symbol column."
        )


def _continues(above: pl.DataFrame, below: pl.DataFrame) -> bool:
    """Whether dates go on where others end, in either direction, and closes on their level."""
    (before, price), (after, next_price) = (
        above.select("key", "close").row(-1),
        below.select("key", "close").row(0),
    )
    is_apart = above["key"].max() < below["key"].min() or above["key"].min() > below["key"].max()  # type: ignore[operator]
    is_near = abs((after - before).days) <= _LONGEST_HOLIDAYS
    is_level = 1 - _SAME_LEVEL < next_price / price < 1 + _SAME_LEVEL
    return bool(is_apart and is_near and is_level)


def _has_words(cells: pl.Series, is_name: Callable[[str], bool]) -> pl.Series:
    has_words = cells.str.contains("[A-Za-z]") & ~cells.str.contains(r"\d\d")  # dates have both
    texts = cells.filter(has_words.fill_null(value=False)).unique()
    names = [text for text in texts if is_name(text)]
    return cells.is_in(names).fill_null(value=False)


def _is_price_name(text: str) -> bool:
    return field_of(text) is not None or text.lower() in LETTERS


def _is_date_name(text: str) -> bool:
    return canonical(text) in DATES


def _check_same(layout: Layout, headers: pl.DataFrame) -> None:
    names = [canonical(name) for name in layout.names]
    columns = [f"c{place}" for place in range(len(names)) if f"c{place}" in headers.columns]
    for line, *row in headers.select("file_line", *columns).iter_rows():
        if [canonical(cell or "") for cell in row] != names[: len(row)]:
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
