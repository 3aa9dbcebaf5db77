"""Adjust the bars of one ticker for its corporate actions.

An action is applied only to a price basis that lacks it. Its date is the ex-date: that session
already trades on the new basis, so an action changes the bars dated before it and no others.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from src.core.tables import OHLC
from src.data.corporate_actions.action import Action, BadAction

if TYPE_CHECKING:
    from src.data.sources.delivery import Basis

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]


def adjust(bars: pl.DataFrame, actions: Sequence[Action], basis: Basis) -> pl.DataFrame:
    """Give the bars split-adjusted prices and volume, an ``adj_close`` and a ``return_basis``.

    ``adj_close`` is the source's own where no row lacks it, else computed from the dividends up
    to the last bar, else the close. Splits after the last bar count: its prices are restated.

    ``bars`` are of one ticker in date order, and stay so: date, open, high, low, close, volume,
    adj_close. ``actions`` are the active ones in any order; several on one date multiply.
    ``basis`` is what the prices are adjusted for already, ``return_basis`` is total or price.

    Raises:
        BadAction: a dividend is not smaller than the close before it.
    """
    adjusted = _split_adjusted(bars, actions, basis)
    if adjusted.height and adjusted["adj_close"].null_count() == 0:
        return adjusted.with_columns(return_basis=pl.lit("total"))
    dividends = _dividends_until_last_bar(adjusted, actions)
    if basis == "total" or not dividends:
        return_basis = "total" if basis == "total" else "price"
        return adjusted.with_columns(adj_close=pl.col("close"), return_basis=pl.lit(return_basis))
    factors = _dividend_factors(adjusted, actions, dividends)
    return adjusted.with_columns(
        adj_close=pl.col("close") * pl.Series(factors), return_basis=pl.lit("total")
    )


def apply_missed_splits(bars: pl.DataFrame, splits: Sequence[Action]) -> pl.DataFrame:
    """Apply splits that the vendor of adjusted bars left out.

    The vendor's ``adj_close`` is rescaled as well, unless it alone contains the split already.
    """
    for split in splits:
        is_before = pl.col("date") < split.date
        factor = pl.when(is_before).then(split.shares).otherwise(1.0)
        adj_factor = factor if _adj_close_moves_with_close(bars, split) else 1.0
        bars = bars.with_columns(
            pl.col(*OHLC) / factor, pl.col("volume") * factor, pl.col("adj_close") / adj_factor
        )
    return bars


def _adj_close_moves_with_close(bars: pl.DataFrame, split: Action) -> bool:
    row = int(bars["date"].to_numpy().searchsorted(np.datetime64(split.date)))
    if not 0 < row < bars.height or None in bars["adj_close"][row - 1 : row + 1].to_list():
        return True
    ratio = (bars["adj_close"] / bars["close"])[row - 1 : row + 1].to_list()
    return abs(math.log(ratio[1] / ratio[0])) < abs(math.log(split.shares)) / 2


def shares_after(days: Days, actions: Sequence[Action]) -> Floats:
    """Shares that one share of each day became by the actions dated after that day; (n,)."""
    ordered = sorted(actions, key=lambda action: action.date)
    dates = np.array([action.date for action in ordered], dtype="datetime64[D]")
    shares = np.array([action.shares for action in ordered] + [1.0])
    remaining: Floats = np.cumprod(shares[::-1])[::-1]
    return remaining[dates.searchsorted(days, side="right")]


def _split_adjusted(bars: pl.DataFrame, actions: Sequence[Action], basis: Basis) -> pl.DataFrame:
    bars = bars.with_columns(pl.col("adj_close").cast(pl.Float64))
    if basis != "unadjusted":
        return bars
    shares = pl.Series(shares_after(bars["date"].to_numpy(), actions))
    return bars.with_columns(pl.col(*OHLC) / shares, pl.col("volume") * shares)


def _dividends_until_last_bar(bars: pl.DataFrame, actions: Sequence[Action]) -> list[Action]:
    if bars.is_empty():
        return []
    last: dt.date = bars["date"][-1]
    return [action for action in actions if action.kind == "dividend" and action.date <= last]


def _dividend_factors(
    adjusted: pl.DataFrame, actions: Sequence[Action], dividends: Sequence[Action]
) -> Floats:
    """The factor of each split-adjusted close for the dividends after it; (n,).

    Dividends between two bars come off the same close together: 1 - sum of amounts / close.
    """
    ex_dates = np.array([dividend.date for dividend in dividends], dtype="datetime64[D]")
    cash = np.array([dividend.cash for dividend in dividends])
    amounts = cash / shares_after(ex_dates - 1, actions)
    ex_rows = adjusted["date"].to_numpy().searchsorted(ex_dates)
    amount_by_row = np.zeros(adjusted.height)
    np.add.at(amount_by_row, ex_rows, amounts)
    close_before = adjusted["close"].forward_fill().shift(1).to_numpy()
    rows = np.unique(ex_rows[ex_rows > 0])
    factors = np.ones(adjusted.height)
    factors[rows] -= amount_by_row[rows] / close_before[rows]
    for dividend, row in zip(dividends, ex_rows, strict=True):
        if not factors[row] > 0:
            reason = f"{dividend.amount} per share is not below the close before it"
            raise BadAction(dividend, reason)
    factors[:-1] = np.cumprod(factors[:0:-1])[::-1]
    factors[-1] = 1.0
    return factors
