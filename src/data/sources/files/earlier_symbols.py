"""Bring rows that a file has under an earlier symbol of a company under its ticker of today."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from src.core.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from src.core.identities import Identities
    from src.data.sources.files.identity.naming import Statements


def with_earlier_symbols(
    statements: Statements, identities: Identities, requested: str | None
) -> tuple[Statements, list[str]]:
    """What a table says, earlier symbols of the requested ticker taken for this one; and these."""
    spans = [] if requested is None else identities.predecessors(requested)
    if requested is None or not spans:
        return statements, []
    symbols = list(dict.fromkeys(span.symbol for span in spans))
    columns = [requested if ticker in symbols else ticker for ticker in statements.columns]
    today = requested.partition(".")[0]
    names = [
        replace(name, symbol=today) if any(map(name.is_of, symbols)) else name
        for name in statements.names
    ]
    taken = replace(statements, columns=list(dict.fromkeys(columns)), names=names)
    return taken, [symbol for symbol in symbols if symbol in statements.columns]


def under_todays_tickers(
    rows: pl.DataFrame, identities: Identities, requested: str | None
) -> pl.DataFrame:
    """Rows under the tickers of today by the day of their ``key``.

    The column ``symbol_then`` has the symbol that a row came under, null where nothing changed.
    What is requested by a symbol that a company left stays under it; of what is requested by a
    ticker of today, rows of others are left out.

    Raises:
        BadInput: no row is of the requested ticker.
    """
    then = pl.lit(None, dtype=pl.String).alias("symbol_then")
    tickers = rows["ticker"].unique().to_list()
    is_left = requested is not None and bool(identities.successors(requested))
    if is_left or not identities.concern(tickers):
        return rows.with_columns(then)
    named = identities.resolve_rows(rows.with_columns(came="ticker"), _day_of(rows))
    is_moved = pl.col("came") != pl.col("ticker")
    named = named.with_columns(pl.when(is_moved).then("came").alias("symbol_then")).drop("came")
    if requested is not None:
        named = named.filter(ticker=requested)
        if named.is_empty():
            raise BadInput(
                f"all its rows are from after {requested} left its earlier symbol: they are of "
                "another company that took that symbol up."
            )
    return named


def moved_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Of rows with ``ticker, key, symbol_then`` those that came under an earlier symbol, counted.

    By ``ticker`` and ``symbol``: the number of ``rows``, and their ``first`` and ``last`` day.
    """
    moved, day = rows.drop_nulls("symbol_then"), _day_of(rows)
    counts = moved.group_by("ticker", symbol="symbol_then")
    return counts.agg(rows=pl.len(), first=day.min(), last=day.max())


def moved_notes(moved: Sequence[pl.DataFrame]) -> dict[str, tuple[str, ...]]:
    """Of each ticker what a person should know of the counts of ``moved_rows`` of some tables."""
    whole = pl.concat(moved).group_by("ticker", "symbol")
    counts = whole.agg(pl.col("rows").sum(), pl.col("first").min(), pl.col("last").max())
    notes: dict[str, tuple[str, ...]] = {}
    for ticker, symbol, rows, first, last in counts.sort("ticker", "first").iter_rows():
        note = f"{rows} rows from {first} to {last} came under its earlier symbol {symbol}"
        notes[ticker] = (*notes.get(ticker, ()), note)
    return notes


def _day_of(rows: pl.DataFrame) -> pl.Expr:
    return pl.col("key") if rows["key"].dtype == pl.Date else pl.col("key").dt.date()
