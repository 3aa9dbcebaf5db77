"""Tell from NSE's series codes and BSE's groups which rows are of the share itself.

One symbol trades in several series: its shares, blocks of them, and debt of the same company.
"""

from __future__ import annotations

import polars as pl

# The ordinary market first, then trade-to-trade and the small companies' boards.
NSE_RANKS = {"EQ": 0, "BE": 1, "BZ": 2, "SM": 3, "ST": 4}
# BSE has a share in one group at a time; no code is one of NSE's series.
BSE_GROUPS = (
    *("A", "B", "E", "M", "MS", "MT", "P", "R", "S", "T", "TS", "X", "XT", "Z", "ZP", "ZY"),
    *("IF", "IT"),
)
EQUITY_RANKS = {**NSE_RANKS, **dict.fromkeys(BSE_GROUPS, 0)}
# A row without a series is of the share only where the file gives no share its series: in NSE's
# history of IRFC the rows without one are its bonds, from before the share was listed.
BLANK_RANK = 5
OTHER_RANK = 9
# Blocks (BL, IL), debentures and bonds (D1, N1, Y1, ZA, ...), partly paid shares (E1), preference
# shares and warrants; debt of the states and of BSE (F, FC, G).
_NEVER_THE_SHARE = r"^([BI]L|[DNPWYZ][0-9A-Z]|E[1-9]|GB|GS|SG|TB|F|FC|G|W)$"


def series_rank() -> pl.Expr:
    """The rank of each row's ``series``: ``OTHER_RANK`` for any but the equity ones and none."""
    ranks = {**EQUITY_RANKS, "": BLANK_RANK}
    return (
        pl.col("series")
        .fill_null("")
        .replace_strict(ranks, default=OTHER_RANK, return_dtype=pl.Int8)
    )


def is_other_security(rank: pl.Expr) -> pl.Expr:
    """Rows of another series than the share's, wherever the file shows which that is.

    Blocks and debt are never the share. Another series is none for a ticker with equity rows, a
    row without a series is none where any ticker has equity rows (``has_equity``).
    """
    is_other = (rank == OTHER_RANK) & (
        (rank != OTHER_RANK).any().over("ticker") | never_the_share()
    )
    return is_other | ((rank == BLANK_RANK) & pl.col("has_equity"))


def never_the_share() -> pl.Expr:
    """Rows of a series that is a block or debt in any file."""
    return pl.col("series").str.contains(_NEVER_THE_SHARE).fill_null(value=False)
