"""Keep the sum of each series of raw rows, which tells a delivery that only continues it.

Most deliveries have all that is stored of their series, unchanged, and newer rows. That the stored
rows are among them is seen by the sum of their times and values (``src.core.row_sums``), without
reading them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from src.core.row_sums import sum_rows
from src.core.tables import DAILY_VALUES, RAW_SERIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from src.data.sources.delivery import Delivery
    from src.db.store import Store

SCHEMA = pl.Schema(
    {**dict.fromkeys(("ticker", "kind", "source"), pl.String()), "rows": pl.Int64()}
    | {"row_sum": pl.String()}
)


def price_sum(rows: pl.DataFrame, key: str) -> str:
    """The sum of raw rows of one series: of ``date`` or ``ts``, and of their prices and volumes."""
    return sum_rows(rows, price_columns(rows, key))


def price_columns(rows: pl.DataFrame, key: str) -> tuple[str, ...]:
    """The columns that ``price_sum`` is made of."""
    return (key, *(name for name in DAILY_VALUES if name in rows.columns))


def rows_after(delivery: Delivery, rows: int, row_sum: str) -> pl.DataFrame | None:
    """The delivery's rows after the stored ones; None unless it has all of these, unchanged.

    ``rows`` and ``row_sum`` are those of its series, on the same price basis. To compare such a
    delivery value by value would find nothing but new rows.
    """
    ordered = delivery.frame.sort(delivery.key)
    if price_sum(ordered.head(rows), delivery.key) != row_sum:
        return None
    return ordered.slice(rows)


def stored_sums(
    store: Store, tickers: Sequence[str]
) -> dict[tuple[str, str, str], tuple[int, str]]:
    """Rows and sum of the tickers' series, by ticker, kind and source."""
    return {
        (ticker, kind, source): (rows, row_sum)
        for ticker, kind, source, rows, row_sum in store.load(RAW_SERIES, tickers).iter_rows()
    }


def sums_frame(series: Iterable[tuple[str, str, str, int, str]]) -> pl.DataFrame:
    """Rows of ``raw_series``."""
    return pl.DataFrame(list(series), schema=SCHEMA, orient="row")
