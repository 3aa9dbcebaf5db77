"""Hold the rows that a table has of many tickers, so that those of other tables can join them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from src.core.tables import DAILY_VALUES
from src.data.sources.files.earlier_symbols import moved_rows
from src.data.sources.files.rows.by_ticker import by_ticker

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from src.data.sources.delivery import Delivery
    from src.data.sources.files.content_hash import ContentHash
    from src.data.sources.files.rows.by_ticker import ParsedGrid, TickerRows


@dataclass(frozen=True)
class MarketTable:
    """Daily bars of many tickers, in days that no other table of a merged delivery has.

    Attributes:
        common: What the deliveries of all tickers have in common.
        hash_of: The content hash of a ticker's delivery, by ticker and its earlier symbols.
        symbols: Earlier symbols that rows came under, by ticker; of most there are none.
        moved: How many rows these are (``moved_rows``).
        name: Of the file, for people.
        first: The first day with a row.
        last: The last one.
        lines: The highest number of a line.
        rows: ``ticker`` (categorical), ``line`` (int32), ``date`` and the prices that it has.
        rejected: ``ticker, key`` and the columns of ``Delivery.rejected``.
    """

    common: Delivery
    hash_of: ContentHash
    symbols: Mapping[str, Sequence[str]]
    moved: pl.DataFrame
    name: str
    first: dt.date
    last: dt.date
    lines: int
    rows: pl.DataFrame
    rejected: pl.DataFrame


def is_market(parsed: ParsedGrid) -> bool:
    """Whether a table has one vendor's daily bars of tickers in a column, and no actions."""
    filtered, layout = parsed.filtered, parsed.layout
    return (
        filtered.kind == "daily"
        and layout.symbol is not None
        and len({(layout.name_of(t), layout.vendor_of(t)) for t in parsed.selected}) == 1
        and filtered.actions is None
        and filtered.rows.height > 0
    )


def common_rows(parsed: ParsedGrid) -> TickerRows:
    """What the tickers of a table have in common, without a row."""
    filtered = parsed.filtered
    row = filtered.rows.head(1).with_columns(symbol_then=pl.lit(None, dtype=pl.String))
    sample = replace(filtered, rows=row, rejected=filtered.rejected.clear())
    (common,) = by_ticker(replace(parsed, filtered=sample, selected=[sample.rows["ticker"][0]]))
    return replace(common, frame=common.frame.clear())


def market_table(
    parsed: ParsedGrid,
    common: Delivery,
    hash_of: ContentHash,
    name: str,
) -> MarketTable:
    """The table of which ``is_market`` holds, without the texts of its kept rows."""
    rows, rejected = parsed.filtered.rows, parsed.filtered.rejected
    prices = [value for value in DAILY_VALUES if rows[value].null_count() < rows.height]
    days = rows["key"].cast(pl.Date)
    moved = rows.drop_nulls("symbol_then").group_by("ticker")
    symbols = moved.agg(pl.col("symbol_then").unique().sort())
    lines = pl.concat([rows["line"], rejected["line"]])
    return MarketTable(
        common=common,
        hash_of=hash_of,
        symbols=dict(symbols.iter_rows()),
        moved=moved_rows(rows),
        name=name,
        first=days.min(),  # type: ignore[arg-type] # no row is without a key
        last=days.max(),  # type: ignore[arg-type]
        lines=int(lines.max()),  # type: ignore[arg-type]
        rows=rows.select(
            pl.col("ticker").cast(pl.Categorical),
            pl.col("line").cast(pl.Int32),
            days.alias("date"),
            *prices,
        ),
        rejected=_without_others(rejected).with_columns(pl.col("key").cast(pl.Date)),
    )


def _without_others(rows: pl.DataFrame) -> pl.DataFrame:
    """The same rows in memory of their own: filtered texts keep those of all rows with them."""
    columns = {name: rows[name].to_list() for name in rows.columns}
    return pl.DataFrame(columns, schema=rows.schema)
