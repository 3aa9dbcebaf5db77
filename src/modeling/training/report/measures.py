"""Average losses and hits of forecasts, with errors that allow for overlapping labels.

Matrices are (T, N), rows ``step`` sessions apart by tickers, NaN where a ticker has none. Labels h
sessions long overlap, so errors come from ``hac`` with its own limits, and an average over fewer
than ``MIN_PERIODS`` periods that do not overlap has no interval at all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from src.core.arrays import Floats
from src.modeling.evaluation import hac
from src.modeling.panel.panel import mean_by_date

# Tails of 5 %: the interval excludes zero exactly when a one-sided test at 5 % is significant.
LEVEL = 0.05
MIN_PERIODS = 4.0


@dataclass(frozen=True)
class Measure:
    """An average and how sure it is.

    Attributes:
        value: None without a pair.
        low: Lower end of the 90 % interval; None where it is not known.
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


def periods(dates: int, horizon: int, step: int = 1) -> float:
    """Periods that do not overlap among ``dates`` dates ``step`` sessions apart."""
    return dates / max(1.0, horizon / step)


def skill(errors: Floats, reference: Floats, horizon: int, step: int = 1) -> Measure:
    """1 - loss / loss of the reference, each averaged over the tickers of a date, then over dates.

    The interval is that of the mean difference over the reference's mean loss, taken as known: it
    excludes zero exactly when the difference is significant.
    """
    both = np.isfinite(errors) & np.isfinite(reference)
    gains = mean_by_date(reference - errors)
    base = mean_by_date(np.where(both, reference, np.nan))
    dates = int(np.isfinite(base).sum())
    scale = float(np.nanmean(base)) if dates else 0.0
    n_eff = periods(dates, horizon, step)
    if scale <= 0:
        return Measure(None, None, None, int(both.sum()), dates, n_eff)
    test = hac.mean_test(gains, math.ceil(horizon / step))
    return _measure(float(test.mean) / scale, test, scale, int(both.sum()), n_eff)


def share(hits: Floats, horizon: int, step: int = 1) -> Measure:
    """The share of pairs for which ``hits`` is 1, not 0; every pair counts alike.

    Its error is that of a ratio of two sums over dates (linearised): per date the hits beyond
    those expected, over the mean number of pairs a date.
    """
    known = np.isfinite(hits)
    pairs = known.sum(axis=1)
    n, dates = int(pairs.sum()), int((pairs > 0).sum())
    if not n:
        return Measure(None, None, None, 0, 0, 0.0)
    value = float(np.where(known, hits, 0.0).sum() / n)
    beyond = np.where(known, hits - value, 0.0).sum(axis=1) / (n / dates)
    test = hac.mean_test(np.where(pairs > 0, beyond, np.nan), math.ceil(horizon / step))
    measure = _measure(value, test, 1.0, n, periods(dates, horizon, step))
    if measure.low is None or measure.high is None:
        return measure
    return replace(measure, low=max(measure.low, 0.0), high=min(measure.high, 1.0))


def _measure(value: float, test: hac.MeanTest, scale: float, n: int, n_eff: float) -> Measure:
    dates = int(test.n)
    half = float(hac.critical(test.b, LEVEL) * test.noise) / math.sqrt(dates) / scale
    if not math.isfinite(half) or n_eff < MIN_PERIODS:
        return Measure(value, None, None, n, dates, n_eff)
    return Measure(value, value - half, value + half, n, dates, n_eff)
