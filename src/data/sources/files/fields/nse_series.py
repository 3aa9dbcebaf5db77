"""Tell from NSE's series codes which rows are of the share itself.

One symbol trades in several series: its shares, blocks of them, and debt of the same company.
"""

from __future__ import annotations

import polars as pl

# The ordinary market first, then trade-to-trade and the small companies' boards. A row without a
# series is of the share.
EQUITY_RANKS = {"EQ": 0, "BE": 1, "BZ": 2, "SM": 3, "ST": 4, "": 5}
OTHER_RANK = 9
# Blocks (BL, IL), debentures and bonds (D1, N1, Y1, ZA, ...), preference shares and warrants.
_NEVER_THE_SHARE = r"^([BI]L|[DNPWYZ][0-9A-Z])$"


def series_rank() -> pl.Expr:
    """The rank of each row's ``series``: ``OTHER_RANK`` for any but the equity ones."""
    return (
        pl.col("series")
        .fill_null("")
        .replace_strict(EQUITY_RANKS, default=OTHER_RANK, return_dtype=pl.Int8)
    )


def is_other_security(rank: pl.Expr) -> pl.Expr:
    """Rows of another series than the share's, wherever the file shows which that is.

    It does for a ticker with equity rows, and for blocks and debt also where only other tickers
    have equity rows.
    """
    has_equity = (rank != OTHER_RANK).any()
    never_the_share = pl.col("series").str.contains(_NEVER_THE_SHARE)
    return (rank == OTHER_RANK) & (has_equity.over("ticker") | (never_the_share & has_equity))
