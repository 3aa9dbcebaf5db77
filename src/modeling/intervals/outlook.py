"""Quantiles of one ticker's next return in; what a person is told of them out. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from src.modeling.evaluation.interval_metrics import SHARES, bounds
from src.modeling.intervals import distribution
from src.modeling.intervals.distribution import Forecasts
from src.modeling.intervals.quantiles import LEVELS

Floats = npt.NDArray[np.float64]

# The intervals told, and where their ends are among the quantiles.
CENTRAL = tuple((share, *bounds(share)) for share in SHARES)


@dataclass(frozen=True, eq=False)
class Outlook:
    """Quantiles of one ticker's simple return from its newest bar; (K,), NaN where not known."""

    quantiles: Floats

    @property
    def prob_up(self) -> float | None:
        """P(return > 0), or None."""
        return None if self._unknown else float(distribution.rise_probability(self.quantiles))

    def around(self, close: float) -> list[dict[str, float]]:
        """The central intervals, as returns and as prices; none where nothing is known."""
        if self._unknown:
            return []
        found = []
        for share, lowest, highest in CENTRAL:
            low, high = float(self.quantiles[lowest]), float(self.quantiles[highest])
            found.append(
                {
                    "level": share,
                    "low_return": low,
                    "high_return": high,
                    "low_close": close * (1 + low),
                    "high_close": close * (1 + high),
                }
            )
        return found

    @property
    def _unknown(self) -> bool:
        return not np.isfinite(self.quantiles).all()


NOTHING = Outlook(np.full(len(LEVELS), np.nan))


def at(distributions: Forecasts, row: int, column: int) -> Outlook:
    """The outlook of a ticker, by its column, from one of the rows of its panel."""
    return Outlook(distributions.quantiles_of(np.array([row]), column)[0])
