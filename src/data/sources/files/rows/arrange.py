"""Arrange the cells of a file as one row per ticker and line, and rows as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl

from src.core.tables import DAILY_VALUES
from src.data.sources.files.fields.actions import is_nonzero
from src.data.sources.files.fields.nse_series import EQUITY_RANKS
from src.data.sources.files.rows.stated import cell, symbol_with_exchange

if TYPE_CHECKING:
    from collections.abc import Sequence

    from src.data.sources.files.layouts.layout import Layout


def long_rows(
    layout: Layout, cells: pl.DataFrame, stated: dict[str, str], selected: Sequence[str]
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """One row per ticker and line of the file, for the selected tickers; and notes.

    ``cells`` are the rows below the header (see ``TextGrid.body``), ``stated`` the tickers by how
    the file writes them.

    Returns:
        Text columns ``at, symbol, series``, the price fields and the columns of actions, with
        ``line, file_line, ragged``, ``has_equity`` (whether any row of the file is of an equity
        series) and ``ticker``, null where the symbol cannot be read.
    """
    if None in layout.values:
        rows = _select(layout, cells, None)
        if rows["symbol"].null_count() < rows.height:
            return _of_symbols(rows, stated, selected)
        return rows.with_columns(ticker=pl.lit(selected[0])), ()
    side_by_side = [
        _select(layout, cells, text).with_columns(ticker=pl.lit(stated[text]))
        for text in layout.values
        if text and stated.get(text) in selected
    ]
    rows = pl.concat(side_by_side)
    if len(layout.values) == 1:
        return rows, ()
    # Tickers side by side share the dates of all: a row without any value is another ticker's.
    has_value = [pl.col(DAILY_VALUES).is_not_null(), *map(is_nonzero, layout.action_names)]
    filled = rows.filter(pl.any_horizontal(has_value))
    left_out = rows.height - filled.height
    return filled, (f"{left_out} rows with dates of other tickers left out",) if left_out else ()


def _of_symbols(
    rows: pl.DataFrame, stated: dict[str, str], selected: Sequence[str]
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    ticker = pl.col("symbol").replace_strict(stated, default=None, return_dtype=pl.String)
    rows = rows.with_columns(ticker=ticker)
    wanted = rows.filter(pl.col("ticker").is_null() | pl.col("ticker").is_in(list(selected)))
    left_out = rows.height - wanted.height
    return wanted, (f"{left_out} rows of other symbols left out",) if left_out else ()


def _select(layout: Layout, cells: pl.DataFrame, ticker: str | None) -> pl.DataFrame:
    values, actions = layout.values[ticker], layout.actions.get(ticker, {})
    series = cell(layout.series).str.to_uppercase()
    return cells.select(
        "line",
        "file_line",
        "ragged",
        *(cell(values.get(name)).alias(name) for name in DAILY_VALUES),
        *(cell(actions.get(name)).alias(name) for name in layout.action_names),
        *(cell(column).alias(fact) for fact, column in layout.facts.items()),
        at=_at(layout),
        symbol=symbol_with_exchange(layout),
        series=series,
        has_equity=series.is_in(list(EQUITY_RANKS)).any(),
    )


def _at(layout: Layout) -> pl.Expr:
    """The date as written, with its time; digits alone are a time as MetaStock writes it."""
    date, *times = (cell(column) for column in layout.dates)
    return pl.concat_str([date, *map(_with_colons, times)], separator=" ")


def _with_colons(time: pl.Expr) -> pl.Expr:
    digits = pl.when(time == "0").then(pl.lit("000000")).otherwise(time)
    return digits.str.replace(r"^(\d\d)(\d\d)(\d\d)?$", "$1:$2:$3").str.strip_suffix(":")


def with_whole_rows(layout: Layout, cells: pl.DataFrame, rejected: pl.DataFrame) -> pl.DataFrame:
    """The rejected rows with ``row``: the whole line as JSON, by the file's column names."""
    if rejected.is_empty():
        return rejected.with_columns(row=pl.lit(None, dtype=pl.String))
    names = _unique_names(layout.names)
    columns = [f"c{i}" for i in range(len(names)) if f"c{i}" in cells.columns]
    wanted = cells.filter(pl.col("line").is_in(rejected["line"].unique().implode()))
    texts = [
        json.dumps({"as written": ragged} if ragged else dict(zip(names, row, strict=False)))
        for ragged, *row in wanted.select("ragged", *columns).iter_rows()
    ]
    whole = pl.DataFrame({"line": wanted["line"], "row": pl.Series(texts, dtype=pl.String)})
    return rejected.join(whole, on="line", how="left", maintain_order="left")


def _unique_names(names: Sequence[str]) -> list[str]:
    unique: list[str] = []
    for number, name in enumerate(names, start=1):
        unique.append(name if name and name not in unique else f"{name} {number}".strip())
    return unique
