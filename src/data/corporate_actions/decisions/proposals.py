"""Name the ratios that the prices make plausible for an action that waits for a person."""

from __future__ import annotations

import json
from fractions import Fraction
from math import log
from typing import Any

from src.data.corporate_actions.action import SHARE_KINDS
from src.data.corporate_actions.ledger import JUMP
from src.data.corporate_actions.price_checks.jumps import SPLITS, is_ordinary

# Beyond the ratios that are weighed: rarer splits, consolidations, and changes of the unit.
RARE = [Fraction(ratio) for ratio in ("5/4", "6/5", "12", "16", "24", "25", "40", "50")]
WHOLE = [*SPLITS, *RARE, Fraction(100), Fraction(1000)]
PROPOSED = tuple(float(ratio) for each in WHOLE for ratio in (each, 1 / each))
# A ratio that was not weighed is proposed when open and close are this near it, in logs.
NEAR = 0.05

Row = dict[str, Any]


def proposed_ratios(row: Row) -> list[float]:
    """The plausible ratios of a row of the ledger, the likeliest first; empty where none is.

    Of a split that was inferred they are those that leave an ordinary move. What a demerger or a
    scheme takes from the price may be anything: nothing is proposed for these.
    """
    move = seen_move(row)
    if move is None or row["kind"] not in SHARE_KINDS:
        return [] if row["ratio"] is None else [row["ratio"]]
    opened, closed = move
    weights: dict[str, float] = json.loads(row["evidence"]).get("ratios", {})
    weighed = sorted(weights, key=weights.__getitem__, reverse=True)
    fitting = [
        ratio
        for ratio in map(float, map(Fraction, weighed))
        if is_ordinary(opened * ratio, closed * ratio)
    ]
    if fitting:
        return fitting
    nearest = min(PROPOSED, key=lambda ratio: abs(log(opened * ratio)))
    is_near = max(abs(log(opened * nearest)), abs(log(closed * nearest))) <= NEAR
    return [nearest] if is_near else []


def seen_move(row: Row) -> tuple[float, float] | None:
    """Open and close over the close before, at the jump that the row's evidence has, if any."""
    evidence = json.loads(row["evidence"])
    jump = evidence.get(JUMP, evidence)
    if "prev_close" not in jump:
        return None
    return jump["open"] / jump["prev_close"], jump["close"] / jump["prev_close"]


def likely_splits(row: Row) -> str:
    """The ratios of an inferred split that the prices make likely, as ``2 or 2.5 for 1``."""
    ratios = proposed_ratios(row)
    if not ratios and (move := seen_move(row)) is not None:
        return f"about {1 / move[0]:.4g} for 1, which is no usual ratio"
    return f"{' or '.join(f'{ratio:.4g}' for ratio in ratios or [row['ratio']])} for 1"
