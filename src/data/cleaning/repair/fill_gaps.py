"""Sessions without a bar in, bars taken from stored evidence out; nothing is imputed; pure.

A bar is taken only when the closes around the hole agree on one level between the series and the
evidence, so that no split, dividend or other instrument can hide in it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt
from statistics import median
from typing import Any, Literal

import numpy as np
import polars as pl

PRICES = ("open", "high", "low", "close")
# Closes compared on each side of a hole.
ANCHORS = 3
# A last trade and an official closing price differ by a few tenths of a percent, two vendors'
# closing prices by rounding.
ROOM = {"hourly": 0.005, "second_source": 0.001}
# Farther away the two may have parted and met again.
NEAR = np.timedelta64(15, "D")
# NSE's price band in logs, growing as the root of the days between; and how far a day's range may
# reach beyond its open and close.
LEAP, WICK = 0.2, 1.3
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
        bars: the clean series in date order: ``date, close, adj_close, price_basis,
            action_pending``.
        holes: sessions without a bar.
        evidence: the preferred one first.
        ex_dates: of the dividends that are known.
    """
    if bars.is_empty():
        return []
    levels = [(one, _Level.of(bars, one)) for one in evidence]
    found = []
    for hole in holes:
        around = _Around.of(bars, hole)
        factor = around.adjustment(hole, ex_dates)
        if factor is None or around.is_pending:
            continue
        repairs = (level.repair(one, hole, factor, around) for one, level in levels)
        fitting = (one for one in repairs if one is not None and around.fits(hole, one.bar))
        repair = next(fitting, None)
        if repair is not None:
            found.append(repair)
    return found


@dataclass(frozen=True)
class _Around:
    """The bars before and after a hole; ``after`` is None at the end of the series."""

    before: dict[str, Any]
    after: dict[str, Any] | None

    @classmethod
    def of(cls, bars: pl.DataFrame, hole: dt.date) -> _Around:
        at = bars["date"].search_sorted(hole)
        after = bars.row(at, named=True) if at < bars.height else None
        return cls(bars.row(max(at - 1, 0), named=True), after)

    @property
    def is_pending(self) -> bool:
        """Whether the move across the hole is not understood: nor is then on which day it was."""
        return self.after is not None and bool(self.after["action_pending"])

    def fits(self, hole: dt.date, bar: dict[str, float]) -> bool:
        """Whether the bar could have stood there: no leap to, from or within it."""
        beside = [self.before] if self.after is None else [self.before, self.after]
        calm = all(
            abs(log(bar["close"] / row["close"]))
            <= LEAP * sqrt(max(abs(hole - row["date"]).days, 1))
            for row in beside
        )
        low, high = (pick(bar["open"], bar["close"]) for pick in (min, max))
        return calm and low / WICK <= bar["low"] and bar["high"] <= high * WICK

    def adjustment(self, hole: dt.date, ex_dates: Sequence[dt.date]) -> float | None:
        """adj_close over close on that day; None where a dividend of unknown date decides."""
        left = float(self.before["adj_close"] / self.before["close"])
        if self.after is None:
            paid = any(self.before["date"] < day <= hole for day in ex_dates)
            return None if paid else left
        right = float(self.after["adj_close"] / self.after["close"])
        if abs(left / right - 1) <= DIVIDEND_STEP:
            return left
        between = [day for day in ex_dates if self.before["date"] < day <= self.after["date"]]
        if between and all(day <= hole for day in between):
            return right
        return left if between and all(day > hole for day in between) else None


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
        ratios = (both["close"] / both["theirs"]).to_numpy()
        return cls(days, ratios, total or one.is_total, by_date)

    def repair(self, one: Evidence, hole: dt.date, factor: float, around: _Around) -> Repair | None:
        """The evidence's bar on the series' level, or None."""
        row = self.by_date.get(hole)
        level = None if row is None else self._at(hole, around, ROOM[one.kind])
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

    def _at(self, hole: dt.date, around: _Around, room: float) -> float | None:
        """What the evidence's prices are multiplied by on that day; None where it is not clear."""
        day = np.datetime64(hole)
        first = np.datetime64(around.before["date"]) - NEAR
        last = np.datetime64(
            around.before["date"] if around.after is None else around.after["date"]
        )
        near = (self.days >= first) & (self.days <= last + NEAR)
        days, ratios = self.days[near], self.ratios[near]
        at = int(days.searchsorted(day))
        before, after = (
            ratios[max(at - ANCHORS, 0) : at].tolist(),
            ratios[at : at + ANCHORS].tolist(),
        )
        is_last = around.after is None
        if not before or not (after or is_last):
            return None
        left, right = median(before), median(after or before)
        if abs(left / right - 1) > room:
            return None
        level = median(before + after)
        if abs(level - 1) <= room:
            return 1.0
        return level if self.may_differ and not is_last else None
