"""Bars of one ticker in, the overnight jumps that are a split or need a person out; pure.

NSE lets no share open more than 20 % from the close before, so a lower open means that the
shares, or the company, changed. A split or bonus leaves open and close near a simple fraction; so
does about one demerger in five, and nothing in the bars tells these apart.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import inf, log, prod
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from src.data.adjust import Action, shares_after
from src.data.rules import JUMP_DOWN, JUMP_UP

if TYPE_CHECKING:
    from src.core.exchanges import TradingCalendar

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
# Two jumps that cancel to this share of themselves within a year are one stretch in error.
UNDONE_WITHIN, UNDONE_ROOM = dt.timedelta(days=365), 0.25
# A stated split this near may be the jump's own under a wrong date.
STATED_NEAR = dt.timedelta(days=10)


@dataclass(frozen=True, slots=True)
class Inferred:
    """A jump in the prices that no stated action explains.

    Attributes:
        ratio: The nearest simple fraction; a proposal unless ``confident``.
        evidence: What it was judged by, fit for JSON; ``doubts`` says why it is not confident.
        confident: A split or bonus of that ratio; else a person has to decide.
    """

    date: dt.date
    kind: Literal["split"]
    ratio: float
    evidence: dict[str, Any]
    confident: bool


@dataclass(frozen=True, slots=True)
class _Jump:
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
        room = min(OPEN_ROOM, OPEN_SHARE * abs(log(self.nearest)))
        return self.distance(self.nearest) <= room

    @property
    def is_impossible(self) -> bool:
        """Open and close are both beyond what the price bands allow in the sessions elapsed."""
        ratios = (self.open / self.prev_close, self.close / self.prev_close)
        return max(ratios) < BAND_DOWN**self.elapsed or min(ratios) > BAND_UP**self.elapsed

    @property
    def is_large(self) -> bool:
        return not JUMP_DOWN <= self.close / self.prev_close <= JUMP_UP

    @property
    def is_calm_around(self) -> bool:
        return all(abs(move) < AROUND_MOVE for move in self.before + self.after)


def infer(
    bars: pl.DataFrame,
    known: Sequence[Action],
    calendar: TradingCalendar | None = None,
    *,
    banded: bool = True,
) -> list[Inferred]:
    """The jumps that ``known`` leaves unexplained, in date order.

    A jump is an open and a close beyond the price bands, near a simple fraction, or a close beyond
    ``JUMP_DOWN .. JUMP_UP``. Whether it is confident may change while the five sessions after it
    come in: two bars at half the price look like a split until the third is back.

    Args:
        bars: one ticker in date order, not adjusted for what is to be found: date, open, high,
            low, close, volume. Bars with a price missing or with no trade are passed over.
        known: stated actions.
        calendar: counts the sessions between two bars; without it every weekday is one.
        banded: Whether the exchange has price bands, as NSE. Without them a share may fall by a
            half in one session, so only a large jump is named and none is confident.
    """
    whole = pl.all_horizontal(
        pl.col(name).is_between(0, inf, closed="none") for name in ("open", "high", "low", "close")
    )
    traded = (pl.col("volume") > 0) | (pl.col("high") != pl.col("low"))
    found = []
    for jump in _jumps(bars.filter(whole & traded), calendar):
        stands_out = jump.is_large or (banded and (jump.is_near or jump.is_impossible))
        if stands_out and not _explained(jump, known):
            found.append(_judged(jump, known, banded=banded))
    return _not_taken_back(found)


def _not_taken_back(found: list[Inferred]) -> list[Inferred]:
    """A jump that an opposite one undoes within a year is no split: its stretch is in error."""
    moves = [log(one.evidence["close_ratio"]) for one in found]
    undone: dict[int, int] = {}
    for one in range(len(found)):
        for other in range(one + 1, len(found)):
            near = found[other].date - found[one].date <= UNDONE_WITHIN
            if near and abs(moves[one] + moves[other]) < UNDONE_ROOM * abs(moves[one]):
                undone |= {one: other, other: one}
    return [
        _with_doubt(each, f"the jump of {found[undone[n]].date} takes it back")
        if n in undone
        else each
        for n, each in enumerate(found)
    ]


def _with_doubt(one: Inferred, doubt: str) -> Inferred:
    evidence = {**one.evidence, "doubts": [*one.evidence["doubts"], doubt]}
    return replace(one, evidence=evidence, confident=False)


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


def _jumps(bars: pl.DataFrame, calendar: TradingCalendar | None) -> list[_Jump]:
    """Every bar that may be a jump, and some that are none."""
    opened, close = bars["open"].to_numpy(), bars["close"].to_numpy()
    if close.size < 2:
        return []
    moves = np.diff(np.log(close))
    gaps = np.log(opened[1:] / close[:-1])
    rows = np.flatnonzero(np.maximum(np.abs(gaps), np.abs(moves)) > LEAST_JUMP) + 1
    days = bars["date"]
    return [
        _Jump(
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


def elapsed_sessions(previous: dt.date, day: dt.date, calendar: TradingCalendar | None) -> int:
    """Sessions from one bar's date to another's, at least 1; weekdays without a calendar."""
    if calendar is not None and previous >= calendar.covered_from:
        return max(calendar.count(previous, day), 1)
    return max(int(np.busday_count(previous, day)), 1)


def _explained(jump: _Jump, known: Sequence[Action]) -> bool:
    """Whether what the stated actions between the two bars leave over is an ordinary move."""
    stated = [action for action in known if jump.previous < action.date <= jump.date]
    evenings = np.array([action.date for action in stated], dtype="datetime64[D]") - 1
    paid = (np.array([action.cash for action in stated]) / shares_after(evenings, stated)).sum()
    expected = jump.prev_close / prod(action.shares for action in stated) - float(paid)
    return (
        bool(stated)
        and expected > 0
        and abs(log(jump.open / expected)) <= LEFT_AT_OPEN
        and abs(log(jump.close / expected)) <= LEFT_AT_CLOSE
    )


def _judged(jump: _Jump, known: Sequence[Action], *, banded: bool) -> Inferred:
    doubts = [doubt for doubt, holds in _doubts(jump, known).items() if holds]
    if not banded:
        doubts.append("its exchange lets a share fall that far in a session")
    evidence = {
        "prev_date": jump.previous.isoformat(),
        "prev_close": jump.prev_close,
        "open": jump.open,
        "close": jump.close,
        "open_ratio": jump.open / jump.prev_close,
        "close_ratio": jump.close / jump.prev_close,
        "nearest": str(1 / jump.nearest),
        "distance_open": jump.off(jump.open, jump.nearest),
        "distance_close": jump.off(jump.close, jump.nearest),
        "sessions_elapsed": jump.elapsed,
        "returns_before": np.expm1(jump.before).tolist(),
        "returns_after": np.expm1(jump.after).tolist(),
        "doubts": doubts,
    }
    return Inferred(jump.date, "split", float(jump.nearest), evidence, confident=not doubts)


def _doubts(jump: _Jump, known: Sequence[Action]) -> dict[str, bool]:
    """What speaks against a split, each with whether it holds."""
    stated_near = [
        action
        for action in known
        if action.shares != 1 and abs(action.date - jump.date) <= STATED_NEAR
    ]
    return {
        "open and close are not both near a simple fraction": not jump.is_near,
        "the ratio is rarer than demergers of that size": jump.nearest not in USUAL,
        "the price bands allow the move": not jump.is_impossible,
        f"more than {MAX_ELAPSED} sessions since the bar before": jump.elapsed > MAX_ELAPSED,
        f"fewer than {AROUND} sessions before it": len(jump.before) < AROUND,
        "no session after it yet": not jump.after,
        "the sessions around it are not ordinary": not jump.is_calm_around,
        "a split stated nearby does not explain it": bool(stated_near),
    }
