"""Read the ledger of tickers, with what was recorded under their earlier symbols."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from src.core.identities import Identities
    from src.core.tables import Table
    from src.db.store import Store


def joined_actions(
    store: Store, table: Table, tickers: Sequence[str], identities: Identities
) -> pl.DataFrame:
    """Rows of the ledger, or of its history, under the tickers of today, in key order.

    What a rule inferred from the prices of an earlier symbol is inferred anew under the new one.
    """
    rows = store.load(table, identities.symbols_of(tickers))
    if not identities.concern(tickers):
        return rows
    is_of_ticker = pl.col("ticker").is_in(list(tickers))
    is_inferred = (pl.col("origin") == "inferred") & (pl.col("decided_by") == "rule")
    return identities.rows_of(rows.filter(is_of_ticker | ~is_inferred), tickers, table.key)
