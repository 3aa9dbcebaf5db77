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
import polars as pl

from src.core.arrays import Days, Floats, Ints
from src.core.tables import OHLC
from src.data.corporate_actions.action import Action, BadAction

if TYPE_CHECKING:
    from src.data.sources.delivery import Basis


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


def apply_splits(bars: pl.DataFrame, splits: Sequence[Action]) -> pl.DataFrame:
    """Divide the prices before each split, and multiply the volume by its shares.

    Rights, demergers and events with a ratio divide prices alone: the shares stay what they were.
    The vendor's ``adj_close`` is divided as well, except by splits that it alone contains already:
    some vendors adjust nothing but that.
    """
    if not splits:
        return bars.with_columns(pl.col("adj_close").cast(pl.Float64))
    days = bars["date"].to_numpy()
    divisors = pl.Series(divisors_after(days, splits))
    moving = [split for split in splits if _adj_close_moves_with_close(bars, split, splits)]
    return bars.with_columns(
        pl.col(*OHLC) / divisors,
        pl.col("volume") * pl.Series(shares_after(days, splits)),
        pl.col("adj_close").cast(pl.Float64) / pl.Series(divisors_after(days, moving)),
    )


def _adj_close_moves_with_close(
    bars: pl.DataFrame, split: Action, splits: Sequence[Action]
) -> bool:
    """Whether adj_close / close is on one level on both sides of the split's session.

    A split and a bonus between the same two bars are one change of level. Before the session has a
    bar nothing tells, and adj_close stays as it is: its returns are the same either way.
    """
    days = bars["date"].to_numpy()
    row = _row_of(days, split)
    if not 0 < row < bars.height:
        return False
    ratio = (bars["adj_close"] / bars["close"])[row - 1 : row + 1].to_list()
    if None in ratio:
        return True
    divisor = math.prod(other.divisor for other in splits if _row_of(days, other) == row)
    return abs(math.log(ratio[1] / ratio[0])) < abs(math.log(divisor)) / 2


def _row_of(days: Days, action: Action) -> int:
    return int(days.searchsorted(np.datetime64(action.date)))


def shares_after(days: Days, actions: Sequence[Action]) -> Floats:
    """Shares that one share of each day became by the actions dated after that day; (n,)."""
    return _product_after(days, [(action.date, action.shares) for action in actions])


def divisors_after(days: Days, actions: Sequence[Action]) -> Floats:
    """By what the actions dated after each day divide a price of that day; (n,)."""
    return _product_after(days, [(action.date, action.divisor) for action in actions])


def _product_after(days: Days, dated: Sequence[tuple[dt.date, float]]) -> Floats:
    ordered = sorted(dated)
    dates = np.array([day for day, _ in ordered], dtype="datetime64[D]")
    values = np.array([value for _, value in ordered] + [1.0])
    remaining: Floats = np.cumprod(values[::-1])[::-1]
    return remaining[dates.searchsorted(days, side="right")]


def _split_adjusted(bars: pl.DataFrame, actions: Sequence[Action], basis: Basis) -> pl.DataFrame:
    if basis == "unadjusted":
        return apply_splits(bars, [action for action in actions if action.divisor != 1])
    return bars.with_columns(pl.col("adj_close").cast(pl.Float64))


def _dividends_until_last_bar(bars: pl.DataFrame, actions: Sequence[Action]) -> list[Action]:
    if bars.is_empty():
        return []
    last: dt.date = bars["date"][-1]
    return [action for action in actions if action.kind == "dividend" and action.date <= last]


def unpayable_days(bars: pl.DataFrame, actions: Sequence[Action], basis: Basis) -> set[dt.date]:
    """Ex-dates of the dividends that ``adjust`` refuses with the same arguments."""
    dividends = _dividends_until_last_bar(bars, actions)
    if basis == "total" or not dividends:
        return set()
    adjusted = _split_adjusted(bars, actions, basis)
    if adjusted["adj_close"].null_count() == 0:
        return set()
    ex_rows, factors = _dividend_steps(adjusted, actions, dividends)
    pairs = zip(dividends, ex_rows, strict=True)
    return {dividend.date for dividend, row in pairs if not factors[row] > 0}


def _dividend_factors(
    adjusted: pl.DataFrame, actions: Sequence[Action], dividends: Sequence[Action]
) -> Floats:
    """The factor of each split-adjusted close for the dividends after it; (n,)."""
    ex_rows, factors = _dividend_steps(adjusted, actions, dividends)
    for dividend, row in zip(dividends, ex_rows, strict=True):
        if not factors[row] > 0:
            reason = f"{dividend.amount} per share is not below the close before it"
            raise BadAction(dividend, reason)
    factors[:-1] = np.cumprod(factors[:0:-1])[::-1]
    factors[-1] = 1.0
    return factors


def _dividend_steps(
    adjusted: pl.DataFrame, actions: Sequence[Action], dividends: Sequence[Action]
) -> tuple[Ints, Floats]:
    """The row of each dividend, and what each row takes off the close before it; (n,).

    Dividends between two bars come off the same close together: 1 - sum of amounts / close.
    """
    ex_dates = np.array([dividend.date for dividend in dividends], dtype="datetime64[D]")
    cash = np.array([dividend.cash for dividend in dividends])
    amounts = cash / divisors_after(ex_dates - 1, actions)
    ex_rows = adjusted["date"].to_numpy().searchsorted(ex_dates)
    amount_by_row = np.zeros(adjusted.height)
    np.add.at(amount_by_row, ex_rows, amounts)
    close_before = adjusted["close"].forward_fill().shift(1).to_numpy()
    rows = np.unique(ex_rows[ex_rows > 0])
    factors = np.ones(adjusted.height)
    factors[rows] -= amount_by_row[rows] / close_before[rows]
    return ex_rows, factors
