"""Work out what a rights issue takes from the price, by the theoretical ex-rights price.

A right to buy r shares at S for each h held is worth what lies between S and the price P with the
right. Theory has the price without it at (h P + r S) / (h + r); earlier prices are divided by P
over that.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from math import log
from typing import Any

import polars as pl

from src.data.corporate_actions.action import Action
from src.data.corporate_actions.price_checks.jumps import still_shows
from src.data.corporate_actions.price_checks.partings import LEAST

# The keys of the evidence: what was offered, as stated, and what follows from the price.
OFFERS, THEORETICAL = "offers", "theoretical"


def with_theoretical_ratios(
    rights: pl.DataFrame, bars: pl.DataFrame, splits: Sequence[Action]
) -> pl.DataFrame:
    """Rows of rights on which nobody has decided, with the ratio that follows from the prices.

    They are pending; those at or above the price take nothing from it: they are applied with a
    ratio of 1. Without a price that was traded there is no ratio: before the first bar, after the
    last, of prices less dividends, or where the offer names no price.

    ``bars`` are one ticker's in date order, as the vendor gives them: date, close, price_basis,
    source. ``splits`` are the changes in shares that such prices are adjusted for, if any are.
    """
    rows = [
        row | _valued(row, close_before(row["date"], bars, splits))
        for row in rights.iter_rows(named=True)
    ]
    return pl.DataFrame(rows, schema=rights.schema)


def felt_days(weighed: pl.DataFrame, bars: pl.DataFrame) -> set[dt.date]:
    """Dates of pending rights that move these prices by more than an ordinary day's noise.

    Prices that their vendor has adjusted may have the issue in them, unless they show it.
    """
    days = set()
    for row in weighed.filter(kind="rights", status="pending").iter_rows(named=True):
        action = Action(row["date"], "rights", ratio=row["ratio"])
        is_felt = row["ratio"] is None or log(row["ratio"]) > LEAST
        if bars["price_basis"][0] != "unadjusted":
            is_felt = row["ratio"] is not None and still_shows(bars, action, LEAST)
        days |= {row["date"]} if is_felt else set()
    return days


def close_before(
    day: dt.date, bars: pl.DataFrame, splits: Sequence[Action]
) -> dict[str, Any] | None:
    """The last close with the right, in money of that day, and where it is from."""
    row = int(bars["date"].search_sorted(day))
    basis = bars["price_basis"][0]
    if not 0 < row < bars.height or basis == "total":
        return None
    close = bars["close"][row - 1]
    if basis == "split":
        for split in splits:
            if split.date > bars["date"][row - 1]:
                close *= split.shares
    previous = bars["date"][row - 1].isoformat()
    return {"close_before": close, "prev_date": previous, "source": bars["source"][0]}


def _valued(row: dict[str, Any], before: dict[str, Any] | None) -> dict[str, Any]:
    """The columns of the row that follow from the close before it."""
    evidence = json.loads(row["evidence"])
    evidence.pop(THEORETICAL, None)
    offers = evidence.get(OFFERS, [])
    if before is None or not offers or any(offer.get("price") is None for offer in offers):
        return {"ratio": None, "status": "pending", "evidence": json.dumps(evidence)}
    cum = before["close_before"]
    # Nobody takes up an offer above the price.
    taken = [(offer["new"] / offer["held"], offer["price"]) for offer in offers]
    taken = [(share, price) for share, price in taken if price < cum]
    paid, shares = sum(share * price for share, price in taken), sum(share for share, _ in taken)
    ex_rights = (cum + paid) / (1 + shares)
    evidence[THEORETICAL] = before | {"ex_rights": ex_rights}
    return {
        "ratio": cum / ex_rights,
        "status": "pending" if taken else "applied",
        "evidence": json.dumps(evidence, sort_keys=True),
    }
