"""Infer splits from the overnight jumps in the bars of one ticker.

NSE lets no share open more than 20 % from the close before, so a lower open means that the
shares, or the company, changed. A split or bonus leaves open and close near a simple fraction; so
does about one demerger in five, and only another source tells these apart for certain: what is
not likely enough is left for a person to decide.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations
from math import exp, inf, log, prod
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from src.core.tables import OHLC
from src.data.corporate_actions.action import Action
from src.data.corporate_actions.adjust import divisors_after
from src.data.corporate_actions.price_checks.jumps import (
    AROUND,
    MAX_ELAPSED,
    Jump,
    find_jumps,
    is_ordinary,
)
from src.data.corporate_actions.price_checks.split_odds import is_usual, weigh_splits
from src.data.corporate_actions.price_checks.witnesses import Witness, find_witnesses

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar

# Two jumps within a year that cancel out to this share of the first are one stretch in error.
REVERSED_WITHIN, REVERSAL_TOLERANCE = dt.timedelta(days=365), 0.25
# A stated split this near may be the one behind the jump, under a wrong date.
STATED_NEAR = dt.timedelta(days=10)
# A split is applied when it is this likely (less before the volume tells, where open and close are
# both near the ratio), and neither is farther off, in logs, than on any ex-date that was measured.
CERTAIN, CERTAIN_NEAR = 0.8, 0.65
# Of the ratio's own log, and at most: a small bonus has less room, for small demergers are many.
FARTHEST_SHARE, FARTHEST_OPEN, CLOSE_TO_OPEN = 0.1, 0.065, 3.0
# Named beside the likeliest ratio: others a fifth as likely, or nearly as near.
AS_LIKELY, AS_NEAR = 0.2, 1.5


@dataclass(frozen=True, slots=True)
class InferredSplit:
    """A jump in the prices that no stated action explains.

    Attributes:
        ratio: The likeliest simple fraction; a proposal unless ``confident``.
        evidence: The measurements behind it, fit for JSON; ``doubts`` says why it is not certain.
        confident: Whether it is a split or bonus of that ratio; else a person has to decide.
    """

    date: dt.date
    ratio: float
    evidence: dict[str, Any]
    confident: bool


def infer_splits(
    bars: pl.DataFrame,
    stated: Sequence[Action],
    calendar: Calendar | None = None,
    *,
    has_bands: bool = True,
    others: Sequence[pl.DataFrame] = (),
) -> list[InferredSplit]:
    """The jumps that no stated action explains, in date order.

    A jump is an open and a close beyond the price bands, near a simple fraction, or a close beyond
    ``JUMP_DOWN .. JUMP_UP``. Whether it is confident may change while the five sessions after it
    come in: two bars at half the price look like a split until the third is back.

    Args:
        bars: one ticker in date order, not adjusted for what is to be found: date, open, high,
            low, close, volume. Bars with a price missing or with no trade are passed over.
        stated: actions that should show in these prices.
        calendar: counts the sessions between two bars; without it every weekday is one.
        has_bands: whether the exchange has price bands, as NSE. Without them a share may fall by a
            half in one session, so only a large jump is reported and none is confident.
        others: bars of the ticker's other sources (see ``find_witnesses``). One that shows no jump
            decides, whatever else speaks for or against a split.
    """
    inferred = []
    for jump in find_jumps(_traded(bars), calendar):
        witnesses = find_witnesses(jump, others)
        stands_out = jump.is_large or (has_bands and (jump.is_near or jump.is_impossible))
        stands_out |= any(witness.ratio for witness in witnesses)
        if stands_out and not _is_explained(jump, stated):
            inferred.append(_inferred_split(jump, stated, witnesses, has_bands=has_bands))
    return _doubt_reversed(inferred)


def _traded(bars: pl.DataFrame) -> pl.DataFrame:
    """The bars with all prices and a trade."""
    prices = {name: bars[name].cast(pl.Float64).to_numpy() for name in OHLC}
    volume = bars["volume"].cast(pl.Float64).to_numpy()
    traded = (volume > 0) | (prices["high"] != prices["low"])
    for values in prices.values():
        traded &= (values > 0) & (values < inf)
    return bars if traded.all() else bars.filter(pl.Series(traded, dtype=pl.Boolean))


def _doubt_reversed(inferred: list[InferredSplit]) -> list[InferredSplit]:
    """A jump that an opposite one reverses within a year is no split: its stretch is in error."""
    moves = [log(split.evidence["close_ratio"]) for split in inferred]
    reversed_by: dict[int, int] = {}
    for first, second in combinations(range(len(inferred)), 2):
        is_near = inferred[second].date - inferred[first].date <= REVERSED_WITHIN
        if is_near and abs(moves[first] + moves[second]) < REVERSAL_TOLERANCE * abs(moves[first]):
            reversed_by |= {first: second, second: first}
    return [
        _with_doubt(split, f"the jump of {inferred[reversed_by[index]].date} reverses it")
        if index in reversed_by
        else split
        for index, split in enumerate(inferred)
    ]


def _with_doubt(split: InferredSplit, doubt: str) -> InferredSplit:
    evidence = {**split.evidence, "doubts": [*split.evidence["doubts"], doubt]}
    return replace(split, evidence=evidence, confident=False)


def _is_explained(jump: Jump, stated: Sequence[Action]) -> bool:
    """Whether what the stated actions between the two bars leave over is an ordinary move."""
    between = [action for action in stated if jump.previous < action.date <= jump.date]
    evenings = np.array([action.date for action in between], dtype="datetime64[D]") - 1
    cash = np.array([action.cash for action in between]) / divisors_after(evenings, between)
    divisor = prod(action.divisor for action in between)
    expected = jump.prev_close / divisor - float(cash.sum())
    return (
        bool(between) and expected > 0 and is_ordinary(jump.open / expected, jump.close / expected)
    )


def _inferred_split(
    jump: Jump, stated: Sequence[Action], witnesses: Sequence[Witness], *, has_bands: bool
) -> InferredSplit:
    weights = weigh_splits(jump) if jump.close < jump.prev_close else [(jump.nearest, 0.0)]
    ratio, probability = weights[0]
    named = [
        (other, weight)
        for other, weight in weights
        if weight >= AS_LIKELY * probability
        or (is_usual(other) and jump.distance(other) <= AS_NEAR * jump.distance(ratio))
    ]
    doubts = _price_doubts(jump, ratio, probability, has_bands=has_bands)
    seen = {witness.ratio for witness in witnesses}
    if witnesses and len(seen) == 1 and None not in seen:
        ratio, doubts = witnesses[0].ratio or ratio, {}
    doubts |= _other_doubts(jump, stated, witnesses)
    evidence = {
        "prev_date": jump.previous.isoformat(),
        "prev_close": jump.prev_close,
        "open": jump.open,
        "close": jump.close,
        "open_ratio": jump.open / jump.prev_close,
        "close_ratio": jump.close / jump.prev_close,
        "nearest": str(1 / ratio),
        "distance_open": jump.deviation(jump.open, ratio),
        "distance_close": jump.deviation(jump.close, ratio),
        "ratios": {str(other): round(weight, 3) for other, weight in named},
        "volume_ratio": None if jump.volume_change is None else exp(jump.volume_change),
        "other_sources": {witness.source: witness.shares for witness in witnesses},
        "sessions_elapsed": jump.elapsed,
        "returns_before": np.expm1(jump.before).tolist(),
        "returns_after": np.expm1(jump.after).tolist(),
        "doubts": [doubt for doubt, holds in doubts.items() if holds],
    }
    return InferredSplit(jump.date, float(ratio), evidence, confident=not evidence["doubts"])


def _price_doubts(
    jump: Jump, ratio: Fraction, probability: float, *, has_bands: bool
) -> dict[str, bool]:
    """What in the prices speaks against a split of that ratio, each with whether it holds."""
    farthest = min(FARTHEST_OPEN, FARTHEST_SHARE * abs(log(ratio)))
    is_far = (
        jump.deviation(jump.open, ratio) > farthest
        or jump.deviation(jump.close, ratio) > CLOSE_TO_OPEN * farthest
    )
    is_near = jump.volume_change is None and jump.is_near and jump.nearest == ratio
    certain = CERTAIN_NEAR if is_near else CERTAIN
    return {
        "another ratio or a demerger explains it nearly as well": probability < certain,
        "open or close is far from every usual fraction": is_far,
        "the price bands allow the move": not jump.is_impossible,
        f"more than {MAX_ELAPSED} sessions since the bar before": jump.elapsed > MAX_ELAPSED,
        f"fewer than {AROUND} sessions before it": len(jump.before) < AROUND,
        "no session after it yet": not jump.after,
        "the sessions around it are not ordinary": not jump.is_calm_around,
        "its exchange lets a share fall that far in a session": not has_bands,
    }


def _other_doubts(
    jump: Jump, stated: Sequence[Action], witnesses: Sequence[Witness]
) -> dict[str, bool]:
    """What others say against it: a split stated nearby, or a source that shows another ratio."""
    has_stated_split = any(
        action.shares != 1 and abs(action.date - jump.date) <= STATED_NEAR for action in stated
    )
    against = {
        f"by {witness.source} the shares became {witness.shares:.3g} times as many": True
        for witness in witnesses
        if witness.ratio is None or len({other.ratio for other in witnesses}) > 1
    }
    return {"a split stated nearby does not explain it": has_stated_split, **against}
