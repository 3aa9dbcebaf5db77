"""Measure every number that the gate weighs, beside its limit.

Only rows ``first`` up to but not including ``end`` of the cumulative losses are weighed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from operator import ge, gt, le

import numpy as np

from src.core.arrays import Bools, Floats, Ints
from src.modeling.evaluation import hac
from src.modeling.gate.losses import LOSSES, CumulativeLosses


@dataclass(frozen=True)
class GateRules:
    """What a challenger must show. Shares are fractions of 1.

    Attributes:
        horizon: Sessions ahead.
        level: One-sided level of the panel's tests.
        min_mae_improvement: Least relative gain in MAE over each reference.
        configurations: How many were tried to find the challenger.
        max_share_worse: Tickers that may be significantly worse; see ``ticker_n_eff``.
        worst_ticker: MAE skill that no ticker may be surely below; see ``worst_level``.
        max_variance_ratio: Variance of the forecasts / of the outcomes that it may not surely
            exceed. Calm years make it look large: over 4 periods of a true 5 % chance alone puts
            it above 10 % in 15.5 % of 600 simulations, and surely above it in 3.5 %.
        min_dates: Distinct dates below which nothing is decided; the length of the recent past.
        min_n_eff: The same in periods that do not overlap, dates / horizon.
        ticker_n_eff: Periods from which a ticker is called worse at 5 %. With fewer it takes 1 %:
            over 4 periods a truly better challenger (63-day R2 of 5 %, 50 tickers) has too many
            worse tickers by chance in 55 % of 600 simulations at 5 %, in 6 % at 1 %. Over 20
            periods it is 8 % at 5 %, and one that harms a tenth of them is refused by 93 %.
        patience: Periods from which the panel's limits apply unchanged. With fewer they are
            multiplied by sqrt(patience / periods): in repeated tests the first looks give most
            of the false alarms (O'Brien and Fleming 1979). 0 for a test that is made once.
        worst_level: Level at which a ticker is surely below ``worst_ticker``, 5 % shared by 50
            tickers, for the worst of many looks terrible by chance: at it 1.5 % of the truly
            better are withheld over 4 periods, at 1 % 9 %.
    """

    horizon: int
    level: float
    min_mae_improvement: float
    configurations: int = 1
    max_share_worse: float = 0.05
    worst_ticker: float = -0.01
    max_variance_ratio: float = 0.01
    min_dates: int = 250
    min_n_eff: float = 4.0
    ticker_n_eff: float = 20.0
    worst_level: float = 0.001
    patience: float = 0.0

    @property
    def dates_needed(self) -> int:
        """Distinct dates from which a verdict is possible."""
        return max(self.min_dates, math.ceil(self.min_n_eff * self.horizon))


@dataclass(frozen=True)
class Criterion:
    """One number, its limit, and whether the challenger passes.

    ``value`` is None where it could not be measured, which never passes.
    """

    name: str
    value: float | None
    limit: float
    passed: bool


def limit_for_better(dates: Ints, b: Floats, rules: GateRules) -> Floats:
    """What the panel's t must exceed for ``better``; of the shape of ``b``, window / dates."""
    periods = np.maximum(dates, 1) / rules.horizon
    return np.asarray(
        hac.critical(b, rules.level) * np.sqrt(np.maximum(rules.patience / periods, 1))
    )


def panel_criteria(
    tests: hac.MeanTest, losses: CumulativeLosses, rules: GateRules
) -> list[Criterion]:
    """The t of both losses against each reference."""
    limit = float(limit_for_better(tests.n, tests.b, rules).item())
    return [
        weigh(f"t_{loss}_vs_{name}", float(tests.t[i, j]), gt, limit)
        for i, name in enumerate(losses.references)
        for j, loss in enumerate(LOSSES)
    ]


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


def sessions_until_decidable(
    tests: hac.MeanTest, rules: GateRules, *, worthwhile: bool = True, furthest: int = 10_080
) -> int | None:
    """Sessions still missing until t would pass its limit on both losses, all else unchanged.

    Towards better against every reference, or towards worse against one of them, whichever its
    means point to. At least what the least number of dates still lacks. None when the means
    point to neither, the gain they point to is not ``worthwhile``, or it takes more than
    ``furthest`` dates, 40 years.
    """
    n = int(np.max(tests.n, initial=0))
    lacking = max(rules.dates_needed - n, 0)
    if not np.isfinite(tests.t).all():
        return lacking or None
    start = max(n, rules.dates_needed, 2)
    never = max(start, furthest) + 1
    grid = np.arange(start, never)
    ahead, behind = (tests.mean > 0).all(axis=1), (tests.mean < 0).all(axis=1)
    b = np.array([(hac.bandwidth(m, rules.horizon) + 1) / m for m in grid.tolist()])
    limits = limit_for_better(grid, b, rules) if ahead.all() else hac.critical(b, rules.level)
    reached = np.abs(tests.mean / tests.noise)[..., None] * np.sqrt(grid) > limits
    first = np.where(reached.any(axis=-1), grid[reached.argmax(axis=-1)], never).max(axis=1)
    if ahead.all():
        needed = int(first.max()) if worthwhile else never
    else:
        needed = int(first[behind].min(initial=never))
    return needed - n if needed < never else None


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
