"""Find features that correlate with the next session's return more than is plausible.

Such a feature has seen the return: a series one session off, a label joined on the wrong date. A
leak of something that does not move with the return (tomorrow's volume, say) is not found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from src.core.arrays import Floats

# Measured: a market series one day off gives .35-.66. Over a short history the market's own
# moves give more than .10 without a leak (.19, .13 and .11 over 125, 250 and 500 sessions).
LIMIT, MANY_TICKERS, SHORT_HISTORY = 0.10, 20, 3.0
# Of fewer tickers chance alone may give more: five standard errors are allowed.
LIMIT_OF_FEW, STANDARD_ERRORS = 0.30, 5.0


@dataclass(frozen=True)
class Correlation:
    """Correlation of one feature with the target over all tickers and sessions that have both.

    Attributes:
        feature: Its name.
        correlation: Pearson's; zero where it is not defined.
        n: Pairs.
        tickers: Tickers with a pair.
        limit: The largest plausible size.
    """

    feature: str
    correlation: float
    n: int
    tickers: int
    limit: float

    @property
    def leaks(self) -> bool:
        """Whether it stops training."""
        return abs(self.correlation) > self.limit

    @property
    def message(self) -> str:
        """One sentence with the numbers."""
        return (
            f"{self.feature}: correlation {self.correlation:+.2f} with the next session's return "
            f"over {self.n} rows of {self.tickers} tickers, the limit is {self.limit:.2f}"
        )


def correlations(features: Mapping[str, Floats], target: Floats) -> list[Correlation]:
    """Correlate each feature, (T, N), with the target, in their order.

    The ``target`` is the simple return from each session's close to the next session's; (T, N),
    NaN where it is not known.
    """
    return [_correlation(name, values, target) for name, values in features.items()]


def row_correlations(
    names: Sequence[str], inputs: Floats, target: Floats, *, tickers: int, sessions: int
) -> list[Correlation]:
    """Correlations of rows without gaps: inputs (rows, features) and target (rows,)."""
    largest = limit(tickers, sessions)
    # Each feature contiguous in memory: read by column, every number would cost a cache line.
    columns = np.ascontiguousarray(inputs.T)
    return [
        Correlation(name, _pearson(values, target), len(target), tickers, largest)
        for name, values in zip(names, columns, strict=True)
    ]


def limit(tickers: int, sessions: int) -> float:
    """The largest |correlation| that does not stop training.

    Of many tickers max(.10, 3 / sqrt n), of few max(.30, 5 / sqrt n), n the sessions: tickers of
    one session share its market and are not independent.
    """
    if tickers >= MANY_TICKERS:
        return max(LIMIT, SHORT_HISTORY / float(np.sqrt(max(sessions, 1))))
    return max(LIMIT_OF_FEW, STANDARD_ERRORS / float(np.sqrt(max(sessions, 1))))


def _correlation(name: str, values: Floats, target: Floats) -> Correlation:
    both = np.isfinite(values) & np.isfinite(target)
    tickers, sessions = int(both.any(axis=0).sum()), int(both.any(axis=1).sum())
    return Correlation(
        name,
        _pearson(values[both], target[both]),
        int(both.sum()),
        tickers,
        limit(tickers, sessions),
    )


def _pearson(x: Floats, y: Floats) -> float:
    """Zero without pairs, or when either does not vary."""
    if not x.size:
        return 0.0
    # In units of the largest, so that no square overflows or vanishes.
    x, y = (values / (np.abs(values).max() or 1.0) for values in (x, y))
    x, y = x - x.mean(), y - y.mean()
    size = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / size if size > 0 else 0.0
