"""Average losses and hits of forecasts, with errors that allow for overlapping labels.

Matrices are (R, N), sessions by tickers, NaN where a ticker has none. Labels h sessions long
overlap, so errors come from ``hac`` with its own limits, and an average over fewer than
``MIN_PERIODS`` periods that do not overlap has no interval at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from src.core.arrays import Floats, Ints
from src.modeling.evaluation import hac
from src.modeling.panel.panel import mean_by_date

# Tails of 5 %: the interval excludes zero exactly when a one-sided test at 5 % is significant.
LEVEL = 0.05
MIN_PERIODS = 4.0
# Tickers that are measured at a time.
BLOCK = 50


@dataclass(frozen=True)
class Measure:
    """An average and how sure it is.

    Attributes:
        value: None without a pair.
        low: Lower end of the interval, which leaves out LEVEL on either side unless another level
            was asked for; None where it is not known.
        high: Its upper end.
        n: Pairs of a forecast and an outcome.
        dates: Distinct dates among them.
        n_eff: Periods among those dates that do not overlap.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    dates: int
    n_eff: float


NOTHING = Measure(None, None, None, 0, 0, 0.0)


@dataclass(frozen=True)
class Measures:
    """One measure over all tickers of a record, and of some alone, by column."""

    pool: Measure
    tickers: Mapping[int, Measure]

    def of(self, column: int | None) -> Measure:
        """That of one ticker; nothing is known of one that is not in the record."""
        return NOTHING if column is None else self.tickers[column]


def skill(
    errors: Floats,
    reference: Floats,
    horizon: int,
    columns: Sequence[int] = (),
    level: float = LEVEL,
) -> Measures:
    """1 - loss / loss of the reference, each averaged over the tickers of a date, then over dates.

    Over all tickers, and of those in ``columns`` alone.
    The interval is that of the mean difference over the reference's mean loss, taken as known: it
    excludes zero exactly when the difference is significant.
    """
    both = np.isfinite(errors) & np.isfinite(reference)
    gains, base = reference - errors, np.where(both, reference, np.nan)
    (pool,) = _relative(
        mean_by_date(gains)[:, None], mean_by_date(base)[:, None], both.sum()[None], horizon, level
    )
    alone: dict[int, Measure] = {}
    for some in _blocks(columns):
        n = both[:, some].sum(axis=0)
        found = _relative(gains[:, some], base[:, some], n, horizon, level)
        alone |= zip(some, found, strict=True)
    return Measures(pool, alone)


def share(
    hits: Floats, horizon: int, columns: Sequence[int] = (), level: float = LEVEL
) -> Measures:
    """The share of pairs for which ``hits`` is 1, not 0; every pair counts alike.

    Over all tickers, and of those in ``columns`` alone.
    """
    alone: dict[int, Measure] = {}
    for some in _blocks(columns):
        known = np.isfinite(hits[:, some])
        found = _shares(np.where(known, hits[:, some], 0.0), known.astype(np.int64), horizon, level)
        alone |= zip(some, found, strict=True)
    return Measures(pool_share(hits, horizon, level), alone)


def _blocks(columns: Sequence[int]) -> Iterator[list[int]]:
    """Some columns at a time: the test of a mean needs many times their memory."""
    for first in range(0, len(columns), BLOCK):
        yield list(columns[first : first + BLOCK])


def pool_share(hits: Floats, horizon: int, level: float = LEVEL) -> Measure:
    """The same over all tickers alone.

    Its error is that of a ratio of two sums over dates (linearised): per date the hits beyond
    those expected, over the mean number of pairs a date.
    """
    known = np.isfinite(hits)
    sums, pairs = np.where(known, hits, 0.0).sum(axis=1), known.sum(axis=1)
    return _shares(sums[:, None], pairs[:, None], horizon, level)[0]


def _relative(gains: Floats, base: Floats, n: Ints, horizon: int, level: float) -> list[Measure]:
    """Each column's mean gain over its mean base; (R, M), ``n`` pairs (M,)."""
    known = np.isfinite(base)
    dates = known.sum(axis=0)
    scale = np.where(known, base, 0.0).sum(axis=0) / np.maximum(dates, 1)
    test = hac.mean_test(gains, horizon)
    halves = hac.critical(test.b, level) * test.noise / np.sqrt(np.maximum(test.n, 1))
    return [
        _measure(test.mean[m] / scale[m], halves[m] / scale[m], n[m], dates[m], horizon)
        if scale[m] > 0
        else replace(NOTHING, n=int(n[m]), dates=int(dates[m]), n_eff=dates[m] / horizon)
        for m in range(len(n))
    ]


def _shares(hits: Floats, pairs: Ints, horizon: int, level: float) -> list[Measure]:
    """Each column's hits over its pairs; (R, M), of each date."""
    n, dates = pairs.sum(axis=0), (pairs > 0).sum(axis=0)
    value = hits.sum(axis=0) / np.maximum(n, 1)
    beyond = (hits - value * pairs) * dates / np.maximum(n, 1)
    test = hac.mean_test(np.where(pairs > 0, beyond, np.nan), horizon)
    halves = hac.critical(test.b, level) * test.noise / np.sqrt(np.maximum(test.n, 1))
    return [
        _within_bounds(_measure(value[m], halves[m], n[m], dates[m], horizon)) if n[m] else NOTHING
        for m in range(len(n))
    ]


def _measure(value: float, half: float, n: int, dates: int, horizon: int) -> Measure:
    n_eff = float(dates / horizon)
    sure = np.isfinite(half) and n_eff >= MIN_PERIODS
    low, high = (float(value - half), float(value + half)) if sure else (None, None)
    return Measure(float(value), low, high, int(n), int(dates), n_eff)


def _within_bounds(measure: Measure) -> Measure:
    if measure.low is None or measure.high is None:
        return measure
    return replace(measure, low=max(measure.low, 0.0), high=min(measure.high, 1.0))
