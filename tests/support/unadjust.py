"""The reverse of ``adjust``, as an oracle: bars as they were traded before their splits."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from src.core.tables import OHLC
from src.data.corporate_actions.action import Action
from src.data.corporate_actions.adjust import shares_after
from src.data.sources.delivery import Basis


def unadjust(adjusted: pl.DataFrame, actions: Sequence[Action], basis: Basis) -> pl.DataFrame:
    """The bars that ``adjust`` made these from; a computed ``adj_close`` is kept, not taken out."""
    if "return_basis" in adjusted.columns:
        has_dividends = pl.col("return_basis") != "price"
        adjusted = adjusted.with_columns(
            adj_close=pl.when(has_dividends).then(pl.col("adj_close"))
        ).drop("return_basis")
    if basis != "unadjusted":
        return adjusted
    shares = pl.Series(shares_after(adjusted["date"].to_numpy().astype("datetime64[D]"), actions))
    return adjusted.with_columns(pl.col(*OHLC) * shares, pl.col("volume") / shares)
