"""Fill sessions without a bar from hourly bars or a second source.

A bar is taken only when the closes around the gap agree on one price level between the series and
the candidate, so that no split, dividend or other instrument can hide in it. Nothing is imputed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from src.core.tables import OHLC

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar

# Closes compared on each side of a gap.
ANCHORS = 3
# A last trade and an official closing price differ by a few tenths of a percent, two vendors'
# closing prices by rounding.
TOLERANCE = {"hourly": 0.005, "second_source": 0.001, "continued": 0.001}
# Farther away the two may have diverged and met again.
NEAR = np.timedelta64(15, "D")
# NSE's price band in logs, growing as the root of the days between; and how far a day's range may
# reach beyond its open and close.
LEAP, WICK = 0.2, 1.3
# Adjusted over plain close moves by at least this at a dividend; below it is rounding.
DIVIDEND_STEP = 1e-4


@dataclass(frozen=True)
class CandidateBars:
    """Bars of one ticker and source that may fill gaps.

    Attributes:
        bars: ``date, open, high, low, close, volume, batch_id`` (split-adjusted) and ``reason``:
            a clause that says how the bar came about, or null where it only shows the price level.
        is_total: Whether dividends are taken out of the prices.
    """

    kind: Literal["hourly", "second_source", "continued"]
    source: str
    bars: pl.DataFrame
    is_total: bool = False


@dataclass(frozen=True)
class Repair:
    """One filled bar, and what it was taken from."""

    date: dt.date
    kind: str
    source: str
    batch_id: int
    reason: str
    bar: dict[str, float]


def missing_sessions(
    days: pl.Series, calendar: Calendar, through: dt.date | None = None
) -> list[dt.date]:
    """Sessions without a bar from the first bar to the last, or to ``through``, in order."""
    if days.is_empty():
        return []
    dates = days.to_numpy()
    last = dates.max() if through is None else np.datetime64(through)
    first, end = calendar.array.searchsorted([dates.min(), last + 1])
    missing: list[dt.date] = np.setdiff1d(calendar.array[first:end], dates).tolist()
    return missing


def fill_gaps(
    bars: pl.DataFrame,
    gaps: Sequence[dt.date],
    candidates: Sequence[CandidateBars],
    ex_dates: Sequence[dt.date],
) -> list[Repair]:
    """The gaps that some candidate fills; the first candidate that fits is taken.

    ``bars`` is the clean series in date order: ``date, close, adj_close, price_basis,
    action_pending``; ``gaps`` are sessions without a bar, ``ex_dates`` those of known dividends.
    """
    if bars.is_empty():
        return []
    levels = [_PriceLevel.of(bars, candidate) for candidate in candidates]
    repairs = []
    for gap in gaps:
        neighbours = _Neighbours.of(bars, gap)
        factor = neighbours.adj_factor(gap, ex_dates)
        if factor is None or neighbours.is_pending:
            continue
        possible = (level.repair(gap, factor, neighbours) for level in levels)
        fitting = (repair for repair in possible if repair and neighbours.fits(gap, repair.bar))
        repair = next(fitting, None)
        if repair is not None:
            repairs.append(repair)
    return repairs


@dataclass(frozen=True)
class _Neighbours:
    """The bars before and after a gap; ``after`` is None at the end of the series."""

    before: dict[str, Any]
    after: dict[str, Any] | None

    @classmethod
    def of(cls, bars: pl.DataFrame, gap: dt.date) -> _Neighbours:
        row = bars["date"].search_sorted(gap)
        after = bars.row(row, named=True) if row < bars.height else None
        return cls(bars.row(max(row - 1, 0), named=True), after)

    @property
    def is_pending(self) -> bool:
        """Whether the move across the gap is unexplained, so that its date is unknown too."""
        return self.after is not None and bool(self.after["action_pending"])

    def fits(self, gap: dt.date, bar: dict[str, float]) -> bool:
        """Whether the bar is plausible there: no leap to it, from it or within it."""
        rows = [self.before] if self.after is None else [self.before, self.after]
        is_calm = all(
            abs(log(bar["close"] / row["close"]))
            <= LEAP * sqrt(max(abs(gap - row["date"]).days, 1))
            for row in rows
        )
        low, high = (pick(bar["open"], bar["close"]) for pick in (min, max))
        return is_calm and low / WICK <= bar["low"] and bar["high"] <= high * WICK

    def adj_factor(self, gap: dt.date, ex_dates: Sequence[dt.date]) -> float | None:
        """adj_close over close on that day; None where it depends on a dividend of unknown date."""
        left = float(self.before["adj_close"] / self.before["close"])
        if self.after is None:
            has_dividend = any(self.before["date"] < day <= gap for day in ex_dates)
            return None if has_dividend else left
        right = float(self.after["adj_close"] / self.after["close"])
        if abs(left / right - 1) <= DIVIDEND_STEP:
            return left
        between = [day for day in ex_dates if self.before["date"] < day <= self.after["date"]]
        if between and all(day <= gap for day in between):
            return right
        return left if between and all(day > gap for day in between) else None


@dataclass(frozen=True)
class _PriceLevel:
    """The closes of the series over those of a candidate, on their common days in date order."""

    candidate: CandidateBars
    days: npt.NDArray[Any]
    ratios: npt.NDArray[np.float64]
    may_differ: bool
    by_date: dict[dt.date, dict[str, Any]]

    @classmethod
    def of(cls, bars: pl.DataFrame, candidate: CandidateBars) -> _PriceLevel:
        both = bars.select("date", "close").join(
            candidate.bars.select("date", candidate_close="close"),
            on="date",
            maintain_order="left",
        )
        return cls(
            candidate,
            days=both["date"].to_numpy(),
            ratios=(both["close"] / both["candidate_close"]).to_numpy(),
            may_differ=bars["price_basis"][0] == "total" or candidate.is_total,
            by_date={row["date"]: row for row in candidate.bars.iter_rows(named=True)},
        )

    def repair(self, gap: dt.date, adj_factor: float, neighbours: _Neighbours) -> Repair | None:
        """The candidate's bar on the series' price level, or None."""
        row = self.by_date.get(gap)
        level = None if row is None else self._at(gap, neighbours)
        if row is None or level is None or row["reason"] is None:
            return None
        bar = {name: row[name] * level for name in OHLC}
        bar |= {"volume": row["volume"], "adj_close": bar["close"] * adj_factor}
        scaled = "" if level == 1 else f", times {level:.6g} for its price level"
        return Repair(
            date=gap,
            kind=self.candidate.kind,
            source=self.candidate.source,
            batch_id=int(row["batch_id"]),
            reason=f"{row['reason']}{scaled}",
            bar=bar,
        )

    def _at(self, gap: dt.date, neighbours: _Neighbours) -> float | None:
        """The factor of the candidate's prices on that day; None where the closes disagree."""
        tolerance = TOLERANCE[self.candidate.kind]
        before, after = self._ratios_around(gap, neighbours)
        is_last = neighbours.after is None
        if not before or not (after or is_last):
            return None
        left, right = median(before), median(after or before)
        if abs(left / right - 1) > tolerance:
            return None
        level = median(before + after)
        if abs(level - 1) <= tolerance:
            return 1.0
        return level if self.may_differ and not is_last else None

    def _ratios_around(
        self, gap: dt.date, neighbours: _Neighbours
    ) -> tuple[list[float], list[float]]:
        """Up to ``ANCHORS`` ratios on either side of the gap that are near it."""
        last_row = neighbours.after or neighbours.before
        first = np.datetime64(neighbours.before["date"]) - NEAR
        last = np.datetime64(last_row["date"])
        is_near = (self.days >= first) & (self.days <= last + NEAR)
        days, ratios = self.days[is_near], self.ratios[is_near]
        row = int(days.searchsorted(np.datetime64(gap)))
        return ratios[max(row - ANCHORS, 0) : row].tolist(), ratios[row : row + ANCHORS].tolist()
