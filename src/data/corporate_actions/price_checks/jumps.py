"""Bars of one ticker in, the moves from bar to bar that may be a change in shares out; pure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from fractions import Fraction
from math import log
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from src.data.cleaning.rules.catalogue import JUMP_DOWN, JUMP_UP
from src.data.corporate_actions.adjust import Action

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar

# Shares after / before: bonus 1:3, 1:2, 1:1, 3:2, 2:1 and 3:1; face value 10 to 5, 10 to 2, 5 to 1,
# 10 to 1; and split with bonus on one day (4, 10, 15, 20).
USUAL = tuple(Fraction(r) for r in ("4/3", "3/2", "2", "5/2", "3", "4", "5", "10", "15", "20"))
# Bonus 2:5, 3:5, 2:3, 5:2, 5:1, 7:1 and consolidations: rarer than demergers of that size.
RARE = tuple(Fraction(r) for r in ("7/5", "8/5", "5/3", "7/2", "6", "8", "1/2", "1/5", "1/10"))

# |log(open x ratio / previous close)| may be 7 % of the jump's own log, 2.5 % at most; the close
# may be twice as far. Measured on splits put into real series: 96 % of large companies' are within,
# 92 % of others'. At 3 % it is 2 points more, but also a quarter more of the demergers.
OPEN_SHARE, OPEN_ROOM, CLOSE_TO_OPEN = 0.07, 0.025, 2.0
# The sessions beside a jump are ordinary when they move less than this, as 999 of 1000 do.
AROUND, AROUND_MOVE = 5, 0.15
# Half a percent of room for prices rounded to the tick.
BAND_DOWN, BAND_UP = 0.8 * 0.995, 1.2 * 1.005
# Below the smallest band, in logs: no jump of any kind moves open and close both by less.
LEAST_JUMP = 0.18
# Sessions from bar to bar: after a longer suspension shares are sold anew, without a band.
MAX_ELAPSED = 3
# What may be left of a jump after a stated action: 999 of 1000 sessions move less.
LEFT_AT_OPEN, LEFT_AT_CLOSE = 0.10, 0.16


@dataclass(frozen=True, slots=True)
class Jump:
    """One bar against the bar before it; ``before`` and ``after`` are log returns around it."""

    previous: dt.date
    date: dt.date
    prev_close: float
    open: float
    close: float
    elapsed: int
    before: list[float]
    after: list[float]
    nearest: Fraction = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "nearest", min(USUAL + RARE, key=self.distance))

    def off(self, price: float, ratio: Fraction) -> float:
        """How far, in logs, a price is from where the ratio puts it."""
        return abs(log(price / self.prev_close * ratio))

    def distance(self, ratio: Fraction) -> float:
        """How far the bar is from the ratio; the close may be farther off than the open."""
        return max(self.off(self.open, ratio), self.off(self.close, ratio) / CLOSE_TO_OPEN)

    @property
    def is_near(self) -> bool:
        """Open and close both stand close to the nearest simple fraction."""
        room = min(OPEN_ROOM, OPEN_SHARE * abs(log(self.nearest)))
        return self.distance(self.nearest) <= room

    @property
    def is_impossible(self) -> bool:
        """Open and close are both beyond what the price bands allow in the sessions elapsed."""
        ratios = (self.open / self.prev_close, self.close / self.prev_close)
        return max(ratios) < BAND_DOWN**self.elapsed or min(ratios) > BAND_UP**self.elapsed

    @property
    def is_large(self) -> bool:
        """The close alone moved beyond what may train and score unexplained."""
        return not JUMP_DOWN <= self.close / self.prev_close <= JUMP_UP

    @property
    def is_calm_around(self) -> bool:
        """The sessions beside it moved as ordinary ones do."""
        return all(abs(move) < AROUND_MOVE for move in self.before + self.after)


def jumps(bars: pl.DataFrame, calendar: Calendar | None) -> list[Jump]:
    """Every bar that may be a jump, and some that are none."""
    opened, close = bars["open"].to_numpy(), bars["close"].to_numpy()
    if close.size < 2:
        return []
    moves = np.diff(np.log(close))
    gaps = np.log(opened[1:] / close[:-1])
    rows = np.flatnonzero(np.maximum(np.abs(gaps), np.abs(moves)) > LEAST_JUMP) + 1
    days = bars["date"]
    return [
        Jump(
            previous=days[row - 1],
            date=days[row],
            prev_close=float(close[row - 1]),
            open=float(opened[row]),
            close=float(close[row]),
            elapsed=elapsed_sessions(days[row - 1], days[row], calendar),
            before=moves[max(row - 1 - AROUND, 0) : row - 1].tolist(),
            after=moves[row : row + AROUND].tolist(),
        )
        for row in map(int, rows)
    ]


def elapsed_sessions(previous: dt.date, day: dt.date, calendar: Calendar | None) -> int:
    """Sessions from one bar's date to another's, at least 1; weekdays without a calendar."""
    if calendar is not None and previous >= calendar.covered_from:
        return max(calendar.count(previous, day), 1)
    return max(int(np.busday_count(previous, day)), 1)


def is_still_in(bars: pl.DataFrame, action: Action) -> bool:
    """Whether prices that should be adjusted for a split still jump by it on its date.

    Args:
        bars: one ticker in date order.
        action: a stated split or bonus; a smaller one than any jump that can be told is not seen.
    """
    at = int(bars["date"].search_sorted(action.date))
    if not 0 < at < bars.height or abs(log(action.shares)) < LEAST_JUMP:
        return False
    previous, opened, close = bars["close"][at - 1], bars["open"][at], bars["close"][at]
    at_open, at_close = log(opened / previous), log(close / previous)
    expected = -log(action.shares)
    return abs(at_open - expected) <= min(LEFT_AT_OPEN, abs(expected) / 2) and abs(
        at_close - expected
    ) <= min(LEFT_AT_CLOSE, abs(expected) / 2)
