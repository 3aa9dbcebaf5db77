"""Sessions without a bar in, bars taken from stored evidence out; nothing is imputed; pure.

A bar is taken only when the closes around the hole agree on one level between the series and the
evidence, so that no split, dividend or other instrument can hide in it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

import numpy as np
import polars as pl

PRICES = ("open", "high", "low", "close")
# Closes compared on each side of a hole.
ANCHORS = 3
# A last trade and an official closing price differ by a few tenths of a percent, two vendors'
# closing prices by rounding.
ROOM = {"hourly": 0.005, "second_source": 0.001}
# Adjusted over plain close moves by at least this at a dividend; below it is rounding.
DIVIDEND_STEP = 1e-4


@dataclass(frozen=True)
class Evidence:
    """Bars of one ticker that may stand in for missing ones.

    ``bars`` has ``date, open, high, low, close, volume, batch_id`` (split-adjusted) and ``told``:
    how the bar came about, a clause, or null where it may only show the level. ``is_total`` says
    that dividends are taken out of the prices.
    """

    kind: Literal["hourly", "second_source"]
    source: str
    bars: pl.DataFrame
    is_total: bool = False


@dataclass(frozen=True)
class Repair:
    """One rebuilt bar, and what it rests on."""

    date: dt.date
    kind: str
    source: str
    batch_id: int
    reason: str
    bar: dict[str, float]


def rebuild(
    bars: pl.DataFrame,
    holes: Sequence[dt.date],
    evidence: Sequence[Evidence],
    ex_dates: Sequence[dt.date],
) -> list[Repair]:
    """The holes that some evidence fills; the first evidence that holds is taken.

    Args:
        bars: the clean series in date order: ``date, close, adj_close, price_basis``.
        holes: sessions without a bar.
        evidence: the preferred one first.
        ex_dates: of the dividends that are known.
    """
    if bars.is_empty():
        return []
    levels = [(one, _Level.of(bars, one)) for one in evidence]
    found = []
    for hole in holes:
        factor = _adjustment(bars, hole, ex_dates)
        if factor is None:
            continue
        repairs = (level.repair(one, hole, factor) for one, level in levels)
        repair = next((one for one in repairs if one is not None), None)
        if repair is not None:
            found.append(repair)
    return found


@dataclass(frozen=True)
class _Level:
    """Closes of the series over those of the evidence on their common days, in date order."""

    days: np.ndarray
    ratios: np.ndarray
    may_differ: bool
    by_date: dict[dt.date, dict[str, float]]

    @classmethod
    def of(cls, bars: pl.DataFrame, one: Evidence) -> _Level:
        both = bars.select("date", "close").join(
            one.bars.select("date", theirs="close"), on="date", maintain_order="left"
        )
        by_date = {row["date"]: row for row in one.bars.iter_rows(named=True)}
        total = bars["price_basis"][0] == "total"
        days = both["date"].to_numpy().astype("datetime64[D]")
        return cls(
            days, (both["close"] / both["theirs"]).to_numpy(), total or one.is_total, by_date
        )

    def repair(self, one: Evidence, hole: dt.date, factor: float) -> Repair | None:
        row = self.by_date.get(hole)
        level = None if row is None else self._at(hole, ROOM[one.kind])
        if row is None or level is None or row["told"] is None:
            return None
        bar = {name: row[name] * level for name in PRICES}
        bar |= {"volume": row["volume"], "adj_close": bar["close"] * factor}
        scaled = "" if level == 1 else f", times {level:.6g} for its price level"
        return Repair(
            date=hole,
            kind=one.kind,
            source=one.source,
            batch_id=int(row["batch_id"]),
            reason=f"{row['told']}{scaled}",
            bar=bar,
        )

    def _at(self, hole: dt.date, room: float) -> float | None:
        """What the evidence's prices are multiplied by on that day; None where it is not clear."""
        at = int(self.days.searchsorted(np.datetime64(hole)))
        before = self.ratios[max(at - ANCHORS, 0) : at].tolist()
        after = self.ratios[at : at + ANCHORS].tolist()
        if not before:
            return None
        left, right = median(before), median(after or before)
        if abs(left / right - 1) > room:
            return None
        level = median(before + after)
        if abs(level - 1) <= room:
            return 1.0
        return level if self.may_differ else None


def _adjustment(bars: pl.DataFrame, hole: dt.date, ex_dates: Sequence[dt.date]) -> float | None:
    """adj_close over close on that day; None where a dividend's date decides and is not known."""
    at = bars["date"].search_sorted(hole)
    before = bars.row(max(at - 1, 0), named=True)
    after = bars.row(min(at, bars.height - 1), named=True)
    left, right = (row["adj_close"] / row["close"] for row in (before, after))
    paid = [day for day in ex_dates if before["date"] < day <= max(after["date"], hole)]
    if abs(left / right - 1) <= DIVIDEND_STEP and (at < bars.height or not paid):
        return float(left)
    if not paid or at == bars.height:
        return None
    if all(day <= hole for day in paid):
        return float(right)
    return float(left) if all(day > hole for day in paid) else None
