"""Find the moves from bar to bar of one ticker that may be a change in shares.

Prices may be on any basis; moves and distances are log returns.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from fractions import Fraction
from math import log
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from src.data.corporate_actions.action import Action

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar

# Shares after / before: bonus issues, changes of the face value, and both on one day.
FRACTIONS = "7/5 4/3 3/2 8/5 5/3 9/5 2 5/2 3 7/2 4 5 6 7 8 10 15 20 30"
SPLITS = tuple(Fraction(ratio) for ratio in FRACTIONS.split())
CONSOLIDATIONS = tuple(Fraction(ratio) for ratio in ("1/2", "1/5", "1/10"))
# With the fraction's value, which is quicker to count with.
_VALUES = tuple((ratio, float(ratio)) for ratio in SPLITS + CONSOLIDATIONS)

# A jump stands out when |log(open x ratio / previous close)| is 7 % of the ratio's own log, 2.5 %
# at most, and the close is no more than twice as far.
OPEN_SHARE, OPEN_TOLERANCE, CLOSE_TO_OPEN = 0.07, 0.025, 2.0
# The sessions beside a jump are ordinary when they move less than this, as 999 of 1000 do.
AROUND, AROUND_MOVE = 5, 0.15
# Sessions whose median volume counts, on either side; the jump's own is one of those after it.
VOLUME_SESSIONS = 20
# NSE's band of 20 %, with half a percent for prices rounded to the tick.
BAND_DOWN, BAND_UP = 0.8 * 0.995, 1.2 * 1.005
# Below the smallest band, in logs: no jump of any kind moves open and close both by less.
LEAST_JUMP = 0.18
# Sessions from bar to bar: after a longer suspension shares are sold anew, without a band.
MAX_ELAPSED = 3
# Beyond this move of the close in one session a corporate action or a rare event is likely: a
# person decides which, and until then labels across it neither train nor score.
JUMP_DOWN, JUMP_UP = 0.6, 1 / 0.6
# What may be left of a jump after a stated action, in logs: 999 of 1000 sessions open nearer, and
# a close may go as far as the band of 20 % lets it, as on some ex-dates.
LEFT_AT_OPEN, LEFT_AT_CLOSE = 0.10, -log(BAND_DOWN)


@dataclass(frozen=True, slots=True)
class Jump:
    """One bar compared with the bar before it.

    Attributes:
        elapsed: Sessions from the bar before to this one.
        before: Log returns of the sessions before the jump, oldest first.
        after: The same of the sessions after it.
        volume_change: Log of the median volume from the jump on over that before it; None with
            fewer than ``AROUND`` sessions on either side, or where volume never varies.
    """

    previous: dt.date
    date: dt.date
    prev_close: float
    open: float
    close: float
    elapsed: int
    before: list[float]
    after: list[float]
    volume_change: float | None

    @property
    def nearest(self) -> Fraction:
        """Shares after / before: the simple fraction that is nearest to the move."""
        return min(_VALUES, key=lambda pair: self.distance(pair[1]))[0]

    def deviation(self, price: float, ratio: Fraction | float) -> float:
        """Distance, in logs, of a price from the one that the ratio leads to."""
        return abs(log(price / self.prev_close * ratio))

    def distance(self, ratio: Fraction | float) -> float:
        """Distance of the bar from the ratio; the close may be farther off than the open."""
        return max(
            self.deviation(self.open, ratio), self.deviation(self.close, ratio) / CLOSE_TO_OPEN
        )

    @property
    def is_near(self) -> bool:
        """Open and close are both close to the nearest simple fraction."""
        nearest = self.nearest
        return self.distance(nearest) <= min(OPEN_TOLERANCE, OPEN_SHARE * abs(log(nearest)))

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
        """The sessions around it moved as ordinary ones do."""
        return all(abs(move) < AROUND_MOVE for move in self.before + self.after)


def find_jumps(bars: pl.DataFrame, calendar: Calendar | None) -> list[Jump]:
    """Every bar whose open or close is ``LEAST_JUMP`` away from the close before, in date order."""
    open_, close = bars["open"].to_numpy(), bars["close"].to_numpy()
    if close.size < 2:
        return []
    moves = np.diff(np.log(close))
    gaps = np.log(open_[1:] / close[:-1])
    rows = np.flatnonzero(np.maximum(np.abs(gaps), np.abs(moves)) > LEAST_JUMP) + 1
    days = bars["date"]
    return [
        Jump(
            previous=days[row - 1],
            date=days[row],
            prev_close=float(close[row - 1]),
            open=float(open_[row]),
            close=float(close[row]),
            elapsed=elapsed_sessions(days[row - 1], days[row], calendar),
            before=moves[max(row - 1 - AROUND, 0) : row - 1].tolist(),
            after=moves[row : row + AROUND].tolist(),
            volume_change=_volume_change(bars, row),
        )
        for row in map(int, rows)
    ]


def _volume_change(bars: pl.DataFrame, row: int) -> float | None:
    if "volume" not in bars.columns:
        return None
    volume = bars["volume"].to_numpy()
    before = volume[max(row - VOLUME_SESSIONS, 0) : row]
    after = volume[row : row + VOLUME_SESSIONS]
    if min(before.size, after.size) <= AROUND or np.ptp(before) == 0 or np.ptp(after) == 0:
        return None
    medians = float(np.median(before)), float(np.median(after))
    return log(medians[1] / medians[0]) if min(medians) > 0 else None


def is_ordinary(open_move: float, close_move: float) -> bool:
    """Whether prices relative to the close before are what actions may leave of a jump."""
    return abs(log(open_move)) <= LEFT_AT_OPEN and abs(log(close_move)) <= LEFT_AT_CLOSE


def elapsed_sessions(previous: dt.date, day: dt.date, calendar: Calendar | None) -> int:
    """Sessions from one bar's date to another's, at least 1; weekdays without a calendar."""
    if calendar is not None and previous >= calendar.covered_from:
        return max(calendar.count(previous, day), 1)
    return max(int(np.busday_count(previous, day)), 1)


def still_shows(bars: pl.DataFrame, action: Action, least: float = LEAST_JUMP) -> bool:
    """Whether prices that should be adjusted for an action still move by it on its date.

    What divides the price by less than ``least``, in logs, does not show; by default what is
    smaller than any recognisable jump. Bars are in date order.
    """
    row = int(bars["date"].search_sorted(action.date))
    expected = -log(action.divisor)
    if not 0 < row < bars.height or abs(expected) < least:
        return False
    previous, open_, close = bars["close"][row - 1], bars["open"][row], bars["close"][row]
    open_error, close_error = (abs(log(price / previous) - expected) for price in (open_, close))
    return open_error <= min(LEFT_AT_OPEN, abs(expected) / 2) and close_error <= min(
        LEFT_AT_CLOSE, abs(expected) / 2
    )
