"""Raw bars of one ticker and its corporate actions in, the adjusted series out, and back; pure.

An action is applied only to a basis that lacks it. Its date is the ex-date: that session already
trades on the new basis, so an action touches the bars dated before it and no others.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from src.core.errors import ForecastError

if TYPE_CHECKING:
    from src.data.sources.delivery import Basis

Kind = Literal["split", "bonus", "dividend", "rights", "demerger"]
Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]

# Rights are paid for and a demerger leaves the number of shares alone: what either takes from the
# price does not follow from counting shares, so neither is applied here.
SHARE_KINDS = ("split", "bonus")
PRICES = ("open", "high", "low", "close")


class BadAction(ForecastError):
    """A corporate action has a ratio or an amount that cannot be."""

    def __init__(self, action: Action, why: str) -> None:
        self.action = action
        super().__init__(f"The {action.kind} of {action.date} cannot be applied: {why}.")


@dataclass(frozen=True, slots=True)
class Action:
    """A corporate action on its ex-date.

    Attributes:
        ratio: Shares after / before: 2.0 for a 1:1 bonus or a 2:1 split.
        amount: Dividend as paid for a share held the evening before: with a split on the same
            date, a share of the old count (TCS on 2018-05-31: 29 rupees and a 1:1 bonus).
    """

    date: dt.date
    kind: Kind
    ratio: float | None = None
    amount: float | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.shares) and self.shares > 0):
            raise BadAction(self, f"{self.ratio} shares for one is no ratio")
        if not (math.isfinite(self.cash) and self.cash >= 0):
            raise BadAction(self, f"{self.amount} a share is no dividend")

    @property
    def shares(self) -> float:
        """Shares that one became; 1 for the kinds that do not divide the price."""
        if self.kind not in SHARE_KINDS:
            return 1.0
        return math.nan if self.ratio is None else self.ratio

    @property
    def cash(self) -> float:
        """Money a share pays out; 0 for everything but a dividend."""
        if self.kind != "dividend":
            return 0.0
        return math.nan if self.amount is None else self.amount


def adjust(bars: pl.DataFrame, actions: Sequence[Action], basis: Basis) -> pl.DataFrame:
    """The bars with split-adjusted prices and volume, full ``adj_close`` and ``return_basis``.

    ``adj_close`` is the source's own where no row lacks it, else computed from the dividends up
    to the last bar, else the close. Splits after the last bar count: its prices are restated.

    Args:
        bars: one ticker in date order: date, open, high, low, close, volume, adj_close.
        actions: what is in force, in any order; several on one date multiply.
        basis: what the bars' prices are adjusted for already.

    Raises:
        BadAction: a dividend is not smaller than the close before it.
    """
    adjusted = _rescaled(bars, actions, basis, back=False)
    if adjusted.height and adjusted["adj_close"].null_count() == 0:
        return adjusted.with_columns(return_basis=pl.lit("total"))
    paid = _paid_until(adjusted, actions)
    if basis == "total" or not paid:
        known = "total" if basis == "total" else "price"
        return adjusted.with_columns(adj_close=pl.col("close"), return_basis=pl.lit(known))
    factors = _dividend_factors(adjusted, actions, paid)
    return adjusted.with_columns(
        adj_close=pl.col("close") * pl.Series(factors), return_basis=pl.lit("total")
    )


def catch_up(bars: pl.DataFrame, missed: Sequence[Action]) -> pl.DataFrame:
    """Adjusted bars with the splits applied that their vendor left out.

    Its own ``adj_close`` is rescaled as well, unless it alone has the split in it already.
    """
    for action in missed:
        before = pl.col("date") < action.date
        factor = pl.when(before).then(action.shares).otherwise(1.0)
        own = factor if _adj_close_moves_with_close(bars, action) else 1.0
        bars = bars.with_columns(
            pl.col(*PRICES) / factor, pl.col("volume") * factor, pl.col("adj_close") / own
        )
    return bars


def _adj_close_moves_with_close(bars: pl.DataFrame, action: Action) -> bool:
    at = int(_days(bars).searchsorted(np.datetime64(action.date)))
    if not 0 < at < bars.height or None in bars["adj_close"][at - 1 : at + 1].to_list():
        return True
    ratio = (bars["adj_close"] / bars["close"])[at - 1 : at + 1].to_list()
    return abs(math.log(ratio[1] / ratio[0])) < abs(math.log(action.shares)) / 2


def unadjust(adjusted: pl.DataFrame, actions: Sequence[Action], basis: Basis) -> pl.DataFrame:
    """The bars that ``adjust`` made these from; a computed ``adj_close`` is kept, not taken out."""
    if "return_basis" in adjusted.columns:
        no_dividends = pl.col("return_basis") == "price"
        own = pl.when(no_dividends).then(None).otherwise(pl.col("adj_close"))
        adjusted = adjusted.with_columns(adj_close=own).drop("return_basis")
    return _rescaled(adjusted, actions, basis, back=True)


def shares_after(days: Days, actions: Sequence[Action]) -> Floats:
    """Shares that one share of each day became through the actions dated after that day."""
    ordered = sorted(actions, key=lambda action: action.date)
    dates = np.array([action.date for action in ordered], dtype="datetime64[D]")
    shares = np.array([action.shares for action in ordered] + [1.0])
    remaining: Floats = np.cumprod(shares[::-1])[::-1]
    return remaining[dates.searchsorted(days, side="right")]


def _rescaled(
    bars: pl.DataFrame, actions: Sequence[Action], basis: Basis, *, back: bool
) -> pl.DataFrame:
    bars = bars.with_columns(pl.col("adj_close").cast(pl.Float64))
    if basis != "unadjusted":
        return bars
    shares = pl.Series(shares_after(_days(bars), actions))
    price, volume = pl.col(*PRICES), pl.col("volume")
    if back:
        return bars.with_columns(price * shares, volume / shares)
    return bars.with_columns(price / shares, volume * shares)


def _paid_until(bars: pl.DataFrame, actions: Sequence[Action]) -> list[Action]:
    if bars.is_empty():
        return []
    last: dt.date = bars["date"][-1]
    return [action for action in actions if action.kind == "dividend" and action.date <= last]


def _dividend_factors(
    adjusted: pl.DataFrame, actions: Sequence[Action], paid: Sequence[Action]
) -> Floats:
    """What each split-adjusted close is multiplied by for the dividends after it; (n,).

    Dividends between two bars come off the same close together: 1 - sum of amounts / close.
    """
    ex_dates = np.array([action.date for action in paid], dtype="datetime64[D]")
    amounts = np.array([action.cash for action in paid]) / shares_after(ex_dates - 1, actions)
    first_without = _days(adjusted).searchsorted(ex_dates)
    paid_into = np.zeros(adjusted.height)
    np.add.at(paid_into, first_without, amounts)
    before = adjusted["close"].forward_fill().shift(1).to_numpy()
    rows = np.unique(first_without[first_without > 0])
    factors = np.ones(adjusted.height)
    factors[rows] -= paid_into[rows] / before[rows]
    for action, row in zip(paid, first_without, strict=True):
        if not factors[row] > 0:
            raise BadAction(action, f"{action.amount} a share is not below the close before it")
    factors[:-1] = np.cumprod(factors[:0:-1])[::-1]
    factors[-1] = 1.0
    return factors


def _days(bars: pl.DataFrame) -> Days:
    return bars["date"].to_numpy().astype("datetime64[D]")
