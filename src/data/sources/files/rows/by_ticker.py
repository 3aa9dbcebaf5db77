"""Take the rows of a table apart by ticker, and cut deliveries to some days."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from src.core.calendars.exchanges import exchange_of
from src.core.tables import DAILY_VALUES, OHLCV
from src.data.sources.delivery import KEY_COLUMNS
from src.data.sources.files.earlier_symbols import moved_notes, moved_rows
from src.data.sources.files.fields.times.sessions import session_date

if TYPE_CHECKING:
    from src.data.sources.delivery import Basis, Delivery, Kind
    from src.data.sources.files.layouts.layout import Layout


@dataclass(frozen=True)
class FilteredRows:
    """A file's rows after all filters: those kept, and those rejected with the reason.

    ``actions`` are those of all rows with a date, rejected bars among them, by ``ticker``.
    """

    kind: Kind
    rows: pl.DataFrame
    rejected: pl.DataFrame
    notes: tuple[str, ...]
    actions: pl.DataFrame | None


@dataclass(frozen=True)
class ParsedGrid:
    """A file's rows after all filters, of all ``selected`` tickers together."""

    layout: Layout
    filtered: FilteredRows
    selected: Sequence[str]


@dataclass(frozen=True)
class TickerRows:
    """One ticker's rows of a file, as in ``Delivery``.

    ``rejected_days`` are the dates of ``rejected``, null where they cannot be read, ``symbols`` the
    earlier ones of the ticker that rows came under.
    """

    ticker: str
    kind: Kind
    layout: str
    vendor: str | None
    basis: Basis | None
    frame: pl.DataFrame
    rejected: pl.DataFrame
    rejected_days: pl.Series
    notes: tuple[str, ...]
    actions: pl.DataFrame | None
    symbols: tuple[str, ...] = ()


def by_ticker(parsed: ParsedGrid) -> list[TickerRows]:
    """The rows of a table, of each of its tickers that has any."""
    layout, filtered, selected = parsed.layout, parsed.filtered, parsed.selected
    rows, rejected = (_of_tickers(part, selected) for part in (filtered.rows, filtered.rejected))
    no_rows, no_rejected = filtered.rows.clear(), filtered.rejected.clear()
    return [
        _ticker_rows(
            layout,
            filtered,
            ticker,
            rows.get((ticker,), no_rows),
            rejected.get((ticker,), no_rejected),
        )
        for ticker in selected
        if (ticker,) in rows or (ticker,) in rejected
    ]


def _of_tickers(
    rows: pl.DataFrame, selected: Sequence[str]
) -> dict[tuple[object, ...], pl.DataFrame]:
    """The rows by ticker, of those that have any; all are of one that was selected."""
    if len(selected) == 1:
        return {(selected[0],): rows} if rows.height else {}
    return rows.partition_by("ticker", as_dict=True)


def _ticker_rows(
    layout: Layout,
    filtered: FilteredRows,
    ticker: str,
    rows: pl.DataFrame,
    rejected: pl.DataFrame,
) -> TickerRows:
    is_daily = filtered.kind == "daily"
    key = pl.col("key").cast(pl.Date if is_daily else pl.Datetime("us", "UTC"))
    # Yahoo adjusts no intraday bar for dividends: on common bars its closes are a broker's.
    is_yahoo_hourly = layout.vendor == "yahoo" and not is_daily
    actions = filtered.actions
    symbols = tuple(rows["symbol_then"].drop_nulls().unique().sort())
    moved = moved_notes([moved_rows(rows)])[ticker] if symbols else ()
    return TickerRows(
        ticker=ticker,
        kind=filtered.kind,
        layout=layout.name_of(ticker),
        vendor=layout.vendor_of(ticker),
        basis="split" if is_yahoo_hourly else layout.basis,
        frame=rows.select(
            "line",
            key.alias(KEY_COLUMNS[filtered.kind]),
            *(DAILY_VALUES if is_daily else OHLCV),
        ),
        rejected=rejected.select("line", "at", "rule", "reason", "row"),
        rejected_days=_days(rejected["key"], ticker),
        notes=(*filtered.notes, *moved, *order_note(rows["key"])),
        actions=None if actions is None else actions.filter(ticker=ticker).drop("ticker"),
        symbols=symbols,
    )


def order_note(keys: pl.Series) -> tuple[str, ...]:
    """A note about rows that are not in date order: the fewest that would have to move."""
    if keys.is_sorted():
        return ()
    if keys.is_sorted(descending=True):
        return ("rows are newest first",)
    # Patience sorting: ``ends`` grows to the length of the longest run that is in order.
    ends: list[object] = []
    for key in keys:
        place = bisect_right(ends, key)
        ends[place : place + 1] = [key]
    return (f"{keys.len() - len(ends)} rows are out of date order",)


def _days(key: pl.Series, ticker: str) -> pl.Series:
    if key.dtype == pl.Date or key.null_count() == key.len():
        return key.cast(pl.Date)
    day = session_date(pl.col("ts"), exchange_of(ticker).zone)
    return key.to_frame("ts").select(day).to_series()


def within(
    delivery: Delivery, rejected_days: pl.Series, since: dt.date | None, until: dt.date | None
) -> Delivery:
    """The delivery's rows of these days; rejected rows without a readable date stay.

    All actions stay: dividends are divided by splits of any later day.
    """
    if since is None and until is None:
        return delivery
    zone = exchange_of(delivery.ticker).zone
    day = pl.col("date") if delivery.kind == "daily" else session_date(pl.col("ts"), zone)
    first, last = since or dt.date.min, until or dt.date.max
    frame = delivery.frame.filter(day.is_between(first, last))
    rejected = delivery.rejected.filter(rejected_days.is_between(first, last).fill_null(value=True))
    left_out = delivery.frame.height - frame.height + delivery.rejected.height - rejected.height
    if not left_out:
        return delivery
    note = f"{left_out} rows outside {since or '…'} to {until or '…'} left out"
    return replace(
        delivery,
        frame=frame,
        rejected=rejected,
        notes=(*delivery.notes, note),
        # Part of a file has its own hash, so that the whole file is still stored later.
        content_hash=f"{delivery.content_hash}:{since or ''}:{until or ''}",
        file_hash="",
    )
