"""Measure what the gate weighs besides the panel's tests, each number beside its limit.

Only rows ``first`` up to but not including ``end`` of the cumulative losses are weighed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from operator import ge, gt, le

import numpy as np

from src.core.arrays import Bools, Floats
from src.modeling.evaluation import hac
from src.modeling.gate.losses import CumulativeLosses
from src.modeling.gate.rules import GateRules


@dataclass(frozen=True)
class Criterion:
    """One number, its limit, and whether the challenger passes.

    ``value`` is None where it could not be measured, which never passes.
    """

    name: str
    value: float | None
    limit: float
    passed: bool


def further_criteria(
    losses: CumulativeLosses, first: int, end: int, rules: GateRules
) -> list[Criterion]:
    """Effect, single tickers, the recent past and the size of the forecasts."""
    recent = _recent_skill(losses, first, end, rules.min_dates)
    size = _variance_ratio(losses, first, end, rules)
    return [
        *_ticker_criteria(losses, first, end, rules),
        weigh("recent_skill", recent, gt, 0.0),
        weigh("variance_ratio", size, le, rules.max_variance_ratio),
    ]


def weigh(
    name: str, value: float, passes: Callable[[float, float], bool], limit: float
) -> Criterion:
    """A criterion that ``passes(value, limit)``; a value that is not known never does."""
    return Criterion(name, value if math.isfinite(value) else None, limit, passes(value, limit))


def _ratio(part: Floats, whole: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole > 0, part / whole, np.nan)


def _ticker_criteria(
    losses: CumulativeLosses, first: int, end: int, rules: GateRules
) -> list[Criterion]:
    """The gain over all tickers, and the tickers that are worse off, by reference."""
    gains = losses.tickers.values[end] - losses.tickers.values[first]
    errors = losses.errors[end] - losses.errors[first]
    dates = (losses.tickers.counts[end] - losses.tickers.counts[first])[0]
    judged = dates >= rules.dates_needed
    worse = _worse(losses, first, end, rules)
    skills = _ratio(gains + _chance(losses, first, end, rules), errors)
    criteria = []
    for i, name in enumerate(losses.references):
        share = float(worse[i][judged].mean()) if judged.any() else math.nan
        worst = float(skills[i][judged].min()) if judged.any() else math.nan
        gain = float(_ratio(gains[i].sum(), errors[i].sum()))
        criteria += [
            weigh(f"mae_improvement_vs_{name}", gain, ge, rules.min_mae_improvement),
            weigh(f"share_of_tickers_worse_vs_{name}", share, le, rules.max_share_worse),
            weigh(f"worst_ticker_vs_{name}", worst, ge, rules.worst_ticker),
        ]
    return criteria


def _worse(losses: CumulativeLosses, first: int, end: int, rules: GateRules) -> Bools:
    """Which tickers are significantly worse, by reference; see ``GateRules.ticker_n_eff``."""
    tests = hac.mean_test_at(losses.tickers, first, end, rules.horizon)
    few = tests.n < rules.horizon * rules.ticker_n_eff
    limit = np.where(few, hac.critical(tests.b, 0.01), hac.critical(tests.b, 0.05))
    return np.asarray(tests.t < -limit)


def _chance(losses: CumulativeLosses, first: int, end: int, rules: GateRules) -> Floats:
    """How much of each ticker's summed gains chance may have cost, by reference and ticker.

    A ticker's skill with it is below ``rules.worst_ticker`` exactly when the mean of its gains
    over that share of its errors is significantly below zero, at ``rules.worst_level``.
    """
    values = losses.tickers.values - rules.worst_ticker * losses.errors
    test = hac.mean_test_at(hac.Sums(values, losses.tickers.counts), first, end, rules.horizon)
    # Gains that are the same share of every error have no noise, and leave no room for chance.
    return np.nan_to_num(hac.critical(test.b, rules.worst_level) * test.noise * np.sqrt(test.n))


def _recent_skill(losses: CumulativeLosses, first: int, end: int, dates: int) -> float:
    """MAE skill against zero over the last ``dates`` dates that have a pair."""
    seen = losses.panel.counts[first : end + 1, 0, 0]
    start = first + int(np.searchsorted(seen, seen[-1] - dates, side="right")) - 1
    start = max(start, first)
    gain = (losses.tickers.values[end] - losses.tickers.values[start])[0].sum()
    return float(_ratio(gain, (losses.errors[end] - losses.errors[start])[0].sum()))


def _variance_ratio(losses: CumulativeLosses, first: int, end: int, rules: GateRules) -> float:
    """Variance of the forecasts / of the outcomes, less what chance may have added to it.

    It is above the limit exactly when the mean over sessions of the forecasts' squared deviations
    less that share of the outcomes' is significantly above zero, at 1 %.
    """
    n, y, y2, f, f2 = (losses.moments[first : end + 1] - losses.moments[first]).T
    if not n[-1]:
        return math.nan
    forecasts, outcomes = (
        squares - 2 * mean * sums + mean**2 * n
        for squares, sums, mean in ((f2, f, f[-1] / n[-1]), (y2, y, y[-1] / n[-1]))
    )
    seen = losses.panel.counts[first : end + 1, 0, 0]
    excess = hac.Sums(forecasts - rules.max_variance_ratio * outcomes, seen - seen[0])
    test = hac.mean_test_at(excess, 0, end - first, rules.horizon)
    chance = np.nan_to_num(hac.critical(test.b, 0.01) * test.noise * np.sqrt(test.n))
    return float(_ratio(np.maximum(forecasts[-1] - chance, 0.0), outcomes[-1]))
