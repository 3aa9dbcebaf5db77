"""NSE's series codes in, which of them are the share itself out; pure.

One symbol trades in several series: its shares, blocks of them, and debt of the same company.
"""

from __future__ import annotations

import polars as pl

# The ordinary market first, then trade-to-trade and the small companies' boards; a row that names
# no series is of the share.
EQUITY_RANK = {"EQ": 0, "BE": 1, "BZ": 2, "SM": 3, "ST": 4, "": 5}
OTHER = 9
# Blocks (BL, IL), debentures and bonds (D1, N1, Y1, ZA, ...), preference shares and warrants.
NEVER_THE_SHARE = r"^([BI]L|[DNPWYZ][0-9A-Z])$"


def rank() -> pl.Expr:
    """The rank of each row's ``series``: ``OTHER`` for any but the equity ones."""
    return (
        pl.col("series")
        .fill_null("")
        .replace_strict(EQUITY_RANK, default=OTHER, return_dtype=pl.Int8)
    )


def is_no_share(rank: pl.Expr) -> pl.Expr:
    """Rows of another series than the share's, wherever the file shows which that is.

    It does for a ticker with equity rows; of blocks and debt also where others have them.
    """
    other = rank == OTHER
    own = (rank != OTHER).any().over("ticker")
    never = pl.col("series").str.contains(NEVER_THE_SHARE)
    return other & (own | (never & (rank != OTHER).any()))
