"""Bars of one ticker in, the overnight jumps that are a split or need a person out; pure.

NSE lets no share open more than 20 % from the close before, so a lower open means that the
shares, or the company, changed. A split or bonus leaves open and close near a simple fraction; so
does about one demerger in five, and nothing in the bars tells these apart.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf, log, prod
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from src.data.corporate_actions.adjust import Action, shares_after
from src.data.corporate_actions.price_checks.jumps import (
    AROUND,
    LEFT_AT_CLOSE,
    LEFT_AT_OPEN,
    MAX_ELAPSED,
    USUAL,
    Jump,
    jumps,
)

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar

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


def infer(
    bars: pl.DataFrame,
    known: Sequence[Action],
    calendar: Calendar | None = None,
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
    for jump in jumps(bars.filter(whole & traded), calendar):
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


def _explained(jump: Jump, known: Sequence[Action]) -> bool:
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


def _judged(jump: Jump, known: Sequence[Action], *, banded: bool) -> Inferred:
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


def _doubts(jump: Jump, known: Sequence[Action]) -> dict[str, bool]:
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
