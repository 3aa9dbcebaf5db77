"""Find the stated corporate actions that the prices contradict.

What a person decided or entered is not contradicted.
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

import polars as pl

from src.data.corporate_actions.action import SHARE_KINDS, Action
from src.data.corporate_actions.adjust import adjust, shares_after
from src.data.corporate_actions.ledger import (
    applied_actions,
    as_contradicted,
    deduplicate,
)
from src.data.corporate_actions.price_checks.dividends import implausible_dividends
from src.data.corporate_actions.price_checks.jumps import (
    LEAST_JUMP,
    MAX_ELAPSED,
    elapsed_sessions,
    still_shows,
)

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar
    from src.data.sources.delivery import Basis


def find_contradictions(
    bars: pl.DataFrame, effective: pl.DataFrame, splits: list[Action], calendar: Calendar
) -> pl.DataFrame:
    """Ledger rows that are not applied until a person decides, with the reason as evidence.

    ``bars`` are clean, in date order and as the vendor gives them; ``effective`` are the rows of
    ``ledger.effective_rows``, ``splits`` the inferred ones that are applied as well.
    """
    if effective.is_empty():
        return effective
    by_rule = deduplicate(effective.filter(status="applied")).filter(decided_by="rule")
    basis: Basis = bars["price_basis"][0]
    if by_rule.is_empty():
        return by_rule
    invisible = by_rule.clear()
    if basis == "unadjusted":
        invisible = _invisible_splits(bars, by_rule, calendar)
    implausible = by_rule.clear()
    if basis != "total" and bars["adj_close"].null_count():
        days = set(invisible["date"].to_list())
        visible = [split for split in _share_changes(effective) if split.date not in days]
        implausible = _implausible_dividends(bars, by_rule, [*visible, *splits], basis)
    return pl.concat([invisible, implausible])


def adj_close_mismatches(bars: pl.DataFrame, effective: pl.DataFrame) -> pl.DataFrame:
    """Stated dividends that the vendor's own adj_close does not take off: ``date, amount, why``.

    Nothing is changed in the prices: which of the two numbers is wrong is for a person to decide.
    """
    dividends = deduplicate(effective.filter(status="applied")).filter(kind="dividend")
    stated = _on_split_basis(dividends, _share_changes(effective))
    return implausible_dividends(bars.select("date", "close", "adj_close"), stated)


def _share_changes(effective: pl.DataFrame) -> list[Action]:
    return [action for action in applied_actions(effective) if action.shares != 1]


def _invisible_splits(bars: pl.DataFrame, rows: pl.DataFrame, calendar: Calendar) -> pl.DataFrame:
    """Splits and bonuses that should show in unadjusted prices and do not."""
    splits = rows.filter(pl.col("kind").is_in(SHARE_KINDS))
    invisible = []
    for (day,), rows_of_day in splits.group_by("date", maintain_order=True):
        split = Action(day, "split", ratio=float(rows_of_day["ratio"].product()))
        row = int(bars["date"].search_sorted(day))
        if not 0 < row < bars.height or abs(log(split.shares)) < LEAST_JUMP:
            continue
        elapsed = elapsed_sessions(bars["date"][row - 1], bars["date"][row], calendar)
        if elapsed <= MAX_ELAPSED and not still_shows(bars, split):
            move = bars["open"][row] / bars["close"][row - 1] - 1
            reason = pl.lit(f"the price opened {move:+.1%} on its date")
            invisible.append(as_contradicted(rows_of_day, reason))
    return pl.concat(invisible) if invisible else splits.clear()


def _implausible_dividends(
    bars: pl.DataFrame, rows: pl.DataFrame, splits: list[Action], basis: Basis
) -> pl.DataFrame:
    dividends = rows.filter(kind="dividend")
    adjusted = adjust(bars, splits, basis).select("date", "close")
    implausible = implausible_dividends(adjusted, _on_split_basis(dividends, splits))
    reasons = implausible.select("date", "why")
    contradicted = dividends.join(reasons, on="date", maintain_order="left")
    return as_contradicted(contradicted, pl.col("why")).drop("why")


def _on_split_basis(dividends: pl.DataFrame, splits: list[Action]) -> pl.DataFrame:
    """Dates and amounts, divided by the splits on and after each date."""
    evenings = dividends["date"].to_numpy() - 1
    shares = pl.Series(shares_after(evenings, splits), dtype=pl.Float64)
    return dividends.select("date", amount=pl.col("amount") / shares)
