"""Find the stated corporate actions that the prices contradict.

What a person decided or entered is contradicted only where it cannot be applied at all.
"""

from __future__ import annotations

import datetime as dt
from math import log
from typing import TYPE_CHECKING

import polars as pl

from src.data.corporate_actions.action import SHARE_KINDS, VALUE_KINDS, Action
from src.data.corporate_actions.adjust import adjust, divisors_after, unpayable_days
from src.data.corporate_actions.ledger import (
    KEY,
    SAME_ACTION,
    applied_actions,
    as_contradicted,
    deduplicate,
    to_actions,
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
    ``ledger.effective_rows``, ``splits`` the inferred ones that are applied as well. Where two
    sources state an action, each of them is held against the prices.
    """
    contradicted, believed = [effective.clear()], effective
    while (rows := _contradictions(bars, believed, splits, calendar)).height:
        contradicted.append(rows)
        believed = believed.join(rows, on=KEY, how="anti", maintain_order="left")
    return pl.concat(contradicted)


def _contradictions(
    bars: pl.DataFrame, effective: pl.DataFrame, splits: list[Action], calendar: Calendar
) -> pl.DataFrame:
    """Those of the rows that count, once for each action."""
    if effective.is_empty():
        return effective
    by_rule = deduplicate(effective.filter(status="applied")).filter(decided_by="rule")
    basis: Basis = bars["price_basis"][0]
    if by_rule.is_empty():
        return by_rule
    invisible = by_rule.clear()
    if basis == "unadjusted":
        invisible = _invisible_splits(bars, by_rule, _value_actions(effective), calendar)
    implausible = by_rule.clear()
    if basis != "total" and bars["adj_close"].null_count():
        days = set(invisible["date"].to_list())
        visible = [split for split in _dividers(effective) if split.date not in days]
        implausible = _implausible_dividends(bars, by_rule, [*visible, *splits], basis)
    return pl.concat([invisible, implausible])


def adj_close_mismatches(bars: pl.DataFrame, effective: pl.DataFrame) -> pl.DataFrame:
    """Stated dividends that the vendor's own adj_close does not take off: ``date, amount, why``.

    Nothing is changed in the prices: which of the two numbers is wrong is for a person to decide.
    """
    dividends = deduplicate(effective.filter(status="applied")).filter(kind="dividend")
    stated = _on_split_basis(dividends, _dividers(effective))
    return implausible_dividends(bars.select("date", "close", "adj_close"), stated)


def find_unpayable(
    bars: pl.DataFrame, believed: pl.DataFrame, splits: list[Action]
) -> pl.DataFrame:
    """Dividends of which the close before does not have enough, whoever decided on them.

    They wait for a person, and apply by themselves once the prices have room for them.
    """
    unpayable, basis = [believed.clear()], bars["price_basis"][0]
    while days := unpayable_days(bars, [*applied_actions(believed), *splits], basis):
        counted = deduplicate(believed.filter(status="applied"))
        rows = counted.filter(pl.col("date").is_in(list(days)), kind="dividend")
        reason = pl.lit("it is not below the close before it")
        unpayable.append(as_contradicted(rows, reason).with_columns(decided_by=pl.lit("rule")))
        believed = believed.join(rows, on=KEY, how="anti", maintain_order="left")
    return pl.concat(unpayable)


def shown_reports(bars: pl.DataFrame, effective: pl.DataFrame) -> pl.DataFrame:
    """The rows without changes in shares that unadjusted prices deny and another source's explain.

    Where two sources state different changes for one date, or one for dates a session apart, the
    one that the prices show is right.
    """
    rows = effective.filter(pl.col("kind").is_in(SHARE_KINDS), status="applied", decided_by="rule")
    if rows.select("origin", "source").n_unique() < 2:
        return effective
    reports = [
        (source, day, still_shows(bars, _combined(day, rows_of_day)))
        for (source, day), rows_of_day in rows.group_by("source", "date", maintain_order=True)
    ]
    denied = [
        (source, day)
        for source, day, shows in reports
        if not shows
        and any(
            other_shows and other != source and abs(other_day - day) <= SAME_ACTION
            for other, other_day, other_shows in reports
        )
    ]
    gone = pl.DataFrame(denied, schema={"source": pl.String, "date": pl.Date}, orient="row")
    return effective.join(
        rows.join(gone, on=["source", "date"], how="semi"),
        on=KEY,
        how="anti",
        maintain_order="left",
    )


def _dividers(effective: pl.DataFrame) -> list[Action]:
    return [action for action in applied_actions(effective) if action.divisor != 1]


def _value_actions(effective: pl.DataFrame) -> list[Action]:
    """Rights, demergers and events, also those whose ratio nobody has said."""
    rows = effective.filter(pl.col("kind").is_in(VALUE_KINDS), pl.col("status") != "rejected")
    return to_actions(rows)


def _combined(day: dt.date, rows: pl.DataFrame) -> Action:
    return Action(day, "split", ratio=float(rows["ratio"].product()))


def _invisible_splits(
    bars: pl.DataFrame, rows: pl.DataFrame, beside: list[Action], calendar: Calendar
) -> pl.DataFrame:
    """Splits and bonuses that should show in unadjusted prices and do not.

    Those between the same two bars show together. Beside a demerger or the like the price says
    nothing of them.
    """
    splits = rows.filter(pl.col("kind").is_in(SHARE_KINDS))
    taken = [_row_of(bars, action.date) for action in beside]
    at = [_row_of(bars, day) for day in splits["date"]]
    invisible = []
    for row in dict.fromkeys(at):
        together = splits.filter(pl.Series([each == row for each in at]))
        split = _combined(bars["date"][min(row, bars.height - 1)], together)
        if not 0 < row < bars.height or row in taken or abs(log(split.shares)) < LEAST_JUMP:
            continue
        elapsed = elapsed_sessions(bars["date"][row - 1], bars["date"][row], calendar)
        if elapsed <= MAX_ELAPSED and not still_shows(bars, split):
            move = bars["open"][row] / bars["close"][row - 1] - 1
            reason = pl.lit(f"the price opened {move:+.1%} on its date")
            invisible.append(as_contradicted(together, reason))
    return pl.concat(invisible) if invisible else splits.clear()


def _row_of(bars: pl.DataFrame, day: dt.date) -> int:
    return int(bars["date"].search_sorted(day))


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
    """Dates and amounts, divided as the prices are by the actions on and after each date."""
    evenings = dividends["date"].to_numpy() - 1
    divisors = pl.Series(divisors_after(evenings, splits), dtype=pl.Float64)
    return dividends.select("date", amount=pl.col("amount") / divisors)
