"""Find features that correlate with the next session's return more than is plausible.

Such a feature has seen the return: a series one session off, a label joined on the wrong date. A
leak of something that does not move with the return (tomorrow's volume, say) is not found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from src.core.arrays import Floats, Ints, Singles

# Measured: a market series one day off gives .35-.66. Over a short history the market's own
# moves give more than .10 without a leak (.19, .13 and .11 over 125, 250 and 500 sessions).
LIMIT, MANY_TICKERS, SHORT_HISTORY = 0.10, 20, 3.0
# Of fewer tickers chance alone may give more: five standard errors are allowed.
LIMIT_OF_FEW, STANDARD_ERRORS = 0.30, 5.0
# From so many sessions on, the limit of many tickers is LIMIT: more of them show no smaller leak.
ENOUGH_SESSIONS = 1_000


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


def correlations(features: Mapping[str, Floats | Singles], target: Floats) -> list[Correlation]:
    """Correlate each feature, (T, N), with the target, in their order.

    The ``target`` is the simple return from each session's close to the next session's; (T, N),
    NaN where it is not known.
    """
    return [_correlation(name, values, target) for name, values in features.items()]


def row_correlations(
    features: Iterable[tuple[str, Singles]], target: Floats, rows: Ints, columns: Ints
) -> Iterator[Correlation]:
    """Correlations of long features, (n,) each, NaN where one is not known.

    ``target``, sessions (``rows``) and tickers (``columns``) are those of the same n.
    """
    labelled = np.isfinite(target)
    counts: dict[bytes, tuple[int, int]] = {}
    pattern, returns = b"", target[:0]
    for name, values in features:
        both = labelled & np.isfinite(values)
        # Most features are known at the same rows.
        before, pattern = pattern, hashlib.sha256(both.data).digest()
        if pattern not in counts:
            counts[pattern] = (_distinct(columns[both]), _distinct(rows[both]))
        if pattern != before:
            returns = _around_zero(target[both])
        yield Correlation(
            name,
            _pearson(_around_zero(values[both]), returns),
            returns.size,
            counts[pattern][0],
            limit(*counts[pattern]),
        )


def limit(tickers: int, sessions: int) -> float:
    """The largest |correlation| that does not stop training.

    Of many tickers max(.10, 3 / sqrt n), of few max(.30, 5 / sqrt n), n the sessions: tickers of
    one session share its market and are not independent.
    """
    if tickers >= MANY_TICKERS:
        return max(LIMIT, SHORT_HISTORY / float(np.sqrt(max(sessions, 1))))
    return max(LIMIT_OF_FEW, STANDARD_ERRORS / float(np.sqrt(max(sessions, 1))))


def _correlation(name: str, values: Floats | Singles, target: Floats) -> Correlation:
    both = np.isfinite(values) & np.isfinite(target)
    tickers, sessions = int(both.any(axis=0).sum()), int(both.any(axis=1).sum())
    return Correlation(
        name,
        _pearson(_around_zero(values[both]), _around_zero(target[both])),
        int(both.sum()),
        tickers,
        limit(tickers, sessions),
    )


def _distinct(numbers: Ints) -> int:
    """How many different numbers there are; they are small and not negative."""
    return int(np.count_nonzero(np.bincount(numbers)))


def _pearson(x: Floats, y: Floats) -> float:
    """Of values around zero: zero without pairs, or when either does not vary."""
    # By einsum: BLAS would start threads that wait for one another for so little.
    covariance, of_x, of_y = (np.einsum("i,i", a, b) for a, b in ((x, y), (x, x), (y, y)))
    size = float(np.sqrt(of_x * of_y))
    return float(covariance) / size if size > 0 else 0.0


def _around_zero(values: Floats | Singles) -> Floats:
    """The values less their mean; in units of the largest where a square could overflow."""
    around: Floats = values.astype(np.float64)
    largest = max(around.max(initial=0.0), -around.min(initial=0.0))
    if not 1e-100 < largest < 1e100:
        around /= largest or 1.0
    return around - around.mean() if around.size else around
