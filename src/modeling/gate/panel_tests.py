"""Test the measures of the whole panel, and how long until such tests could decide.

Each date counts once, whatever the number of its tickers. Tests are arranged as references by
measures, see ``CumulativeLosses``.
"""

from __future__ import annotations

from operator import gt

import numpy as np

from src.core.arrays import Bools, Floats, Ints
from src.modeling.evaluation import hac
from src.modeling.gate.criteria import Criterion, weigh
from src.modeling.gate.losses import LOSSES, CumulativeLosses
from src.modeling.gate.rules import GateRules

# Left out on either side of a range.
RANGE_LEVEL = 0.025


def panel_criteria(
    tests: hac.MeanTest, losses: CumulativeLosses, rules: GateRules
) -> list[Criterion]:
    """The t of every measure against each reference."""
    limits = limits_for_better(tests.n[:, 0], tests.b[:, 0], rules)[0]
    return [
        weigh(f"t_{measure}_vs_{name}", float(tests.t[i, j]), gt, float(limits[j]))
        for i, name in enumerate(losses.references)
        for j, measure in enumerate(losses.measures)
    ]


def is_better(tests: hac.MeanTest, rules: GateRules) -> bool:
    """Whether every measure speaks for the challenger, against each reference."""
    limits = limits_for_better(tests.n[:, 0], tests.b[:, 0], rules)
    return bool((tests.t > limits).all())


def worse_than(tests: hac.MeanTest, rules: GateRules) -> int | None:
    """The first reference that both losses are significantly larger than, by its number."""
    t = tests.t[:, : len(LOSSES)]
    behind = np.flatnonzero((t < -hac.critical(tests.b, rules.level_of_worse)).all(axis=1))
    return int(behind[0]) if behind.size else None


def skill_range(
    tests: hac.MeanTest, skill: float | None, rules: GateRules
) -> tuple[float, float] | None:
    """The 95 % range of the relative gain in MAE over zero; None where it is not known.

    It excludes zero exactly when the t of absolute errors passes 2.5 % on either side. None with
    fewer dates than a verdict needs, and where gain and t differ in sign: t is of means by date,
    the gain of all pairs.
    """
    t = float(tests.t[0, LOSSES.index("absolute")])
    if tests.n.max(initial=0) < rules.dates_needed or not skill or not t * skill > 0:
        return None
    half = skill / t * float(hac.critical(tests.b.max(), RANGE_LEVEL))
    return skill - half, skill + half


def limits_for_better(dates: Ints, b: Floats, rules: GateRules) -> Floats:
    """What t must exceed; (k, measures) for k numbers of dates, and window / dates of each."""
    periods = np.maximum(dates, 1) / rules.horizon
    limits = np.stack([hac.critical(b, level) for level in rules.levels], axis=1)
    return np.asarray(limits * np.sqrt(np.maximum(rules.patience / periods, 1))[:, None])


def sessions_until_decidable(
    tests: hac.MeanTest, rules: GateRules, *, worthwhile: bool = True, furthest: int = 10_080
) -> int | None:
    """Sessions still missing until every t would pass its limit, all else unchanged.

    Towards better against every reference, or towards worse against one of them, whichever its
    means point to. At least what the least number of dates still lacks. None when the means
    point to neither, the gain they point to is not ``worthwhile``, or it takes more than
    ``furthest`` dates, 40 years.
    """
    n = int(np.max(tests.n, initial=0))
    if not np.isfinite(tests.t).all():
        return max(rules.dates_needed - n, 0) or None
    start = max(n, rules.dates_needed, 2)
    never = max(start, furthest) + 1
    grid = np.arange(start, never)
    b = np.array([(hac.bandwidth(m, rules.horizon) + 1) / m for m in grid.tolist()])
    if (tests.mean > 0).all():
        reached = _reached(tests, grid, limits_for_better(grid, b, rules))
        needed = int(_first(reached, grid, never).max()) if worthwhile else never
    else:
        losses = slice(len(LOSSES))
        behind = (tests.mean[:, losses] < 0).all(axis=1)
        limits = np.stack([hac.critical(b, rules.level_of_worse)] * len(LOSSES), axis=1)
        reached = _reached(tests, grid, limits)
        needed = int(_first(reached, grid, never)[behind].min(initial=never))
    return needed - n if needed < never else None


def _reached(tests: hac.MeanTest, grid: Ints, limits: Floats) -> Bools:
    """Whether |t| over so many dates would pass; (references, measures, grid)."""
    measures = limits.shape[1]
    t = np.abs(tests.mean / tests.noise)[:, :measures, None] * np.sqrt(grid)
    return np.asarray(t > limits.T)


def _first(reached: Bools, grid: Ints, never: int) -> Ints:
    """Dates at which the slowest measure passes, by reference."""
    dates = np.where(reached.any(axis=2), grid[reached.argmax(axis=2)], never)
    return np.asarray(dates.max(axis=1))
