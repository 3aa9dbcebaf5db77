"""Ask the other sources of a ticker what they show of a jump.

A source whose prices are adjusted moves as on any day where the shares were split: the two moves
together give the ratio, whatever the market did that day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import exp, log

import polars as pl

from src.data.corporate_actions.price_checks.jumps import (
    CONSOLIDATIONS,
    LEAST_JUMP,
    SPLITS,
    Jump,
)

# Official closes of two vendors agree within a tenth of a percent; a dividend does not fit in.
TOLERANCE = 0.005
RATIOS = (*SPLITS, Fraction(5, 4), *CONSOLIDATIONS)


@dataclass(frozen=True, slots=True)
class Witness:
    """Another source that shows no jump.

    Attributes:
        shares: By what the jump exceeds its move: shares after / before, if it was a split.
    """

    source: str
    shares: float

    @property
    def ratio(self) -> Fraction | None:
        """The split that explains it, None where none does."""
        nearest = min(RATIOS, key=self._distance)
        return nearest if self._distance(nearest) <= TOLERANCE else None

    def _distance(self, ratio: Fraction) -> float:
        return abs(log(self.shares / ratio))


def find_witnesses(jump: Jump, others: Sequence[pl.DataFrame]) -> list[Witness]:
    """The adjusted sources with a bar on both sides of the jump that do not jump themselves.

    ``others`` are clean bars as their vendors give them: date, close, price_basis, source.
    """
    move = log(jump.close / jump.prev_close)
    witnesses = []
    for bars in others:
        both = bars.filter(pl.col("date").is_in([jump.previous, jump.date])).sort("date")
        if both.height < 2 or both["price_basis"][0] == "unadjusted":
            continue
        their_move = log(both["close"][1] / both["close"][0])
        if abs(their_move) < LEAST_JUMP:
            witnesses.append(Witness(both["source"][0], exp(their_move - move)))
    return witnesses
