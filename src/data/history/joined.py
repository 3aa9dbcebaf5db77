"""Read what is stored of tickers, with what came under their earlier symbols."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import polars as pl

from src.core.tables import Table
from src.data.history.raw_rows import load_raw
from src.data.history.rebuild import valid_batches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from src.core.identities import Identities
    from src.db.store import Store

_DAY_OF_TS = pl.col("ts").dt.convert_time_zone("UTC").dt.date()


def joined_rows(
    store: Store,
    table: Table,
    tickers: Sequence[str],
    identities: Identities,
    until: dt.date | None = None,
) -> pl.DataFrame:
    """Rows of a raw table in key order under the tickers of today, see ``load_raw``.

    Where a ticker and its earlier symbol have a bar of one source at one time, its own is taken.
    """
    if not identities.concern(tickers):
        return load_raw(store, table, tickers, until)
    rows = load_raw(store, table, identities.symbols_of(tickers), until)
    return under_tickers(rows, table.key, tickers, identities)


def joined_batches(
    store: Store, tickers: Sequence[str], identities: Identities, at: dt.datetime | None = None
) -> pl.DataFrame:
    """The rows of ``ingest_batches`` that the tickers' rows may come from (``valid_batches``)."""
    return valid_batches(store, identities.symbols_of(tickers), at)


def under_tickers(
    rows: pl.DataFrame, key: Sequence[str], tickers: Sequence[str], identities: Identities
) -> pl.DataFrame:
    """The rows that are of the tickers today (``Identities.rows_of``), by ``date`` or ``ts``."""
    day = pl.col("date") if "date" in rows.columns else _DAY_OF_TS
    return identities.rows_of(rows, tickers, key, day)
