"""Bars and the actions to be applied to them in; those that the prices contradict out; pure.

What a person decided or entered is not doubted.
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

import polars as pl

from src.data.corporate_actions.adjust import SHARE_KINDS, Action, adjust, shares_after
from src.data.corporate_actions.ledger import actions, told_once
from src.data.corporate_actions.price_checks.dividends import doubtful_dividends
from src.data.corporate_actions.price_checks.jumps import (
    LEAST_JUMP,
    MAX_ELAPSED,
    elapsed_sessions,
    is_still_in,
)

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar
    from src.data.sources.delivery import Basis


def doubted(
    bars: pl.DataFrame, stands: pl.DataFrame, splits: list[Action], calendar: Calendar
) -> pl.DataFrame:
    """Ledger rows that are not applied until a person decides, with the reason as evidence.

    Args:
        bars: kept bars in date order, as the vendor gives them.
        stands: the ledger rows that hold (see ``in_force.standing``).
        splits: those that are applied besides, inferred ones.
        calendar: the exchange's sessions.
    """
    rows = told_once(stands.filter(status="applied")).filter(decided_by="rule")
    basis: Basis = bars["price_basis"][0]
    if rows.is_empty():
        return rows
    shares = _doubted_splits(bars, rows, calendar) if basis == "unadjusted" else rows.clear()
    dividends = rows.clear()
    if basis != "total" and bars["adj_close"].null_count():
        held = [
            one for one in actions(told_once(stands.filter(status="applied"))) if one.shares != 1
        ]
        gone = set(shares["date"].to_list())
        believed = [one for one in held if one.date not in gone]
        dividends = _doubted_dividends(bars, rows, [*believed, *splits], basis)
    return pl.concat([shares, dividends])


def contradicted(bars: pl.DataFrame, stands: pl.DataFrame) -> pl.DataFrame:
    """Stated dividends that the vendor's own adj_close does not take off: ``date, amount, why``.

    Nothing follows for the prices: which of the two numbers is wrong is for a person to say.

    Args:
        bars: adjusted bars with the vendor's adj_close.
        stands: the ledger rows that hold.
    """
    applied = told_once(stands.filter(status="applied"))
    paid = applied.filter(kind="dividend")
    stated = _in_split_basis(paid, [one for one in actions(applied) if one.shares != 1])
    return doubtful_dividends(bars.select("date", "close", "adj_close"), stated)


def _doubted_splits(bars: pl.DataFrame, rows: pl.DataFrame, calendar: Calendar) -> pl.DataFrame:
    """Splits and bonuses that should show in unadjusted prices and do not."""
    shares = rows.filter(pl.col("kind").is_in(SHARE_KINDS))
    unseen = []
    for (day,), own in shares.group_by("date", maintain_order=True):
        whole = Action(day, "split", ratio=float(own["ratio"].product()))
        at = int(bars["date"].search_sorted(day))
        if not 0 < at < bars.height or abs(log(whole.shares)) < LEAST_JUMP:
            continue
        before = bars["date"][at - 1]
        near = elapsed_sessions(before, bars["date"][at], calendar) <= MAX_ELAPSED
        if near and not is_still_in(bars, whole):
            move = bars["open"][at] / bars["close"][at - 1] - 1
            unseen.append(_waiting(own, f"the price opened {move:+.1%} on its date"))
    return pl.concat(unseen) if unseen else shares.clear()


def _doubted_dividends(
    bars: pl.DataFrame, rows: pl.DataFrame, splits: list[Action], basis: Basis
) -> pl.DataFrame:
    paid = rows.filter(kind="dividend")
    adjusted = adjust(bars, splits, basis).select("date", "close")
    doubts = doubtful_dividends(adjusted, _in_split_basis(paid, splits))
    why = dict(doubts.select("date", "why").iter_rows())
    return pl.concat(
        [paid.clear()] + [_waiting(paid.filter(date=day), said) for day, said in why.items()]
    )


def _in_split_basis(paid: pl.DataFrame, splits: list[Action]) -> pl.DataFrame:
    evenings = paid["date"].to_numpy().astype("datetime64[D]") - 1
    shares = pl.Series(shares_after(evenings, splits), dtype=pl.Float64)
    return paid.select("date", amount=pl.col("amount") / shares)


def _waiting(rows: pl.DataFrame, why: str) -> pl.DataFrame:
    return rows.with_columns(
        status=pl.lit("pending"),
        evidence=pl.struct(pl.lit(why).alias("doubt")).struct.json_encode(),
    )
