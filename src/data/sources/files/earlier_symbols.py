"""Bring rows that a file has under an earlier symbol of a company under its ticker of today."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from src.core.errors import BadInput

if TYPE_CHECKING:
    from src.core.identities import Identities
    from src.data.sources.files.identity.naming import Statements

# Symbols that a note names.
_NAMED = 3


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
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Rows under the tickers of today by the day of their ``key``, and a note of what was moved.

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
        return rows.with_columns(then), ()
    day = pl.col("key") if rows["key"].dtype == pl.Date else pl.col("key").dt.date()
    named = identities.resolve_rows(rows.with_columns(came="ticker"), day)
    is_moved = pl.col("came") != pl.col("ticker")
    named = named.with_columns(pl.when(is_moved).then("came").alias("symbol_then")).drop("came")
    if requested is not None:
        named = named.filter(ticker=requested)
        if named.is_empty():
            raise BadInput(
                f"all its rows are from after {requested} left its earlier symbol: they are of "
                "another company that took that symbol up."
            )
    return named, _notes(named.filter(pl.col("symbol_then").is_not_null()), day)


def _notes(moved: pl.DataFrame, day: pl.Expr) -> tuple[str, ...]:
    if moved.is_empty():
        return ()
    groups = moved.group_by("symbol_then", "ticker").agg(
        rows=pl.len(), first=day.min(), last=day.max()
    )
    parts = [
        f"{rows} rows of {ticker} from {first} to {last} came under its earlier symbol {symbol}"
        for symbol, ticker, rows, first, last in groups.sort("symbol_then").iter_rows()
    ]
    left = len(parts) - _NAMED
    more = (f"rows of {left} other tickers came under earlier symbols",) if left > 0 else ()
    return (*parts[:_NAMED], *more)
