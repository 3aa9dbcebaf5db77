"""Cumulative losses of paired forecasts in; every number that the gate weighs, with its limit, out.

Rows ``first`` up to but not including ``end`` are weighed; later ones are never touched.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from src.modeling import hac
from src.modeling.gate_book import LOSSES, Book

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Rules:
    """What a challenger must show. All shares are of 1.

    Attributes:
        horizon: Sessions ahead.
        level: One-sided level of the panel's tests.
        min_mae_improvement: Least relative gain in MAE over each reference.
        configurations: How many were tried to find the challenger.
        max_share_worse: Tickers that may be significantly worse, at 5 %.
        worst_ticker: Least MAE skill of any one ticker; see ``ticker_n_eff``.
        max_variance_ratio: Variance of the forecasts / variance of the outcomes.
        min_dates: Distinct dates below which nothing is decided; the length of the recent past.
        min_n_eff: The same in periods that do not overlap, dates / horizon.
        ticker_n_eff: Periods from which one ticker's skill counts in full. With fewer it is
            multiplied by sqrt(periods / ticker_n_eff), as much as chance inflates it: the worst
            of 50 tickers with a true 63-day R2 of 5 % shows -26 % over 4 periods, -8 % over 20.
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

    @property
    def dates_needed(self) -> int:
        """Distinct dates from which a verdict is possible."""
        return max(self.min_dates, math.ceil(self.min_n_eff * self.horizon))


@dataclass(frozen=True)
class Evidence:
    """One number, its limit, and whether it speaks for the challenger.

    ``value`` is None where it could not be measured, which never passes.
    """

    name: str
    value: float | None
    limit: float
    passed: bool


def panel_tests(kept: Book, first: int, end: int, rules: Rules) -> hac.MeanTest:
    """Tests of the date-averaged loss differences of rows ``first`` to ``end``, which is left out.

    Fields are (references, losses); positive speaks for the challenger.
    """
    return hac.mean_test_at(kept.panel, first, end, rules.horizon)


def panel_evidence(tests: hac.MeanTest, kept: Book, rules: Rules) -> list[Evidence]:
    """The t of both losses against each reference."""
    limit = float(hac.critical(tests.b, rules.level).item())
    return [
        above(f"t_{loss}_vs_{name}", float(tests.t[i, j]), limit)
        for i, name in enumerate(kept.references)
        for j, loss in enumerate(LOSSES)
    ]


def further_evidence(kept: Book, first: int, end: int, rules: Rules) -> list[Evidence]:
    """Effect, single tickers, the recent past and the size of the forecasts."""
    gains = kept.tickers.values[end] - kept.tickers.values[first]
    errors = kept.errors[end] - kept.errors[first]
    dates = (kept.tickers.counts[end] - kept.tickers.counts[first])[0]
    judged = dates >= rules.dates_needed
    tests = hac.mean_test_at(kept.tickers, first, end, rules.horizon)
    worse = tests.t < -hac.critical(tests.b, 0.05)
    sure = np.sqrt(np.minimum(dates / (rules.horizon * rules.ticker_n_eff), 1.0))
    skills = _ratio(gains, errors) * sure
    found = []
    for i, name in enumerate(kept.references):
        share = float(worse[i][judged].mean()) if judged.any() else math.nan
        worst = float(skills[i][judged].min()) if judged.any() else math.nan
        gain = float(_ratio(gains[i].sum(), errors[i].sum()))
        found += [
            at_least(f"mae_improvement_vs_{name}", gain, rules.min_mae_improvement),
            at_most(f"share_of_tickers_worse_vs_{name}", share, rules.max_share_worse),
            at_least(f"worst_ticker_vs_{name}", worst, rules.worst_ticker),
        ]
    recent = _recent_skill(kept, first, end, rules.min_dates)
    size = _variance_ratio(kept.moments[end] - kept.moments[first])
    return [
        *found,
        above("recent_skill", recent, 0.0),
        at_most("variance_ratio", size, rules.max_variance_ratio),
    ]


def sessions_until_decidable(
    tests: hac.MeanTest, rules: Rules, *, worthwhile: bool = True, furthest: int = 10_080
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
    limits = hac.critical(
        np.array([(hac.bandwidth(m, rules.horizon) + 1) / m for m in grid.tolist()]), rules.level
    )
    reached = np.abs(tests.mean / tests.noise)[..., None] * np.sqrt(grid) > limits
    first = np.where(reached.any(axis=-1), grid[reached.argmax(axis=-1)], never).max(axis=1)
    ahead, behind = (tests.mean > 0).all(axis=1), (tests.mean < 0).all(axis=1)
    if ahead.all():
        needed = int(first.max()) if worthwhile else never
    else:
        needed = int(first[behind].min(initial=never))
    return needed - n if needed < never else None


def above(name: str, value: float, limit: float) -> Evidence:
    """Passes when the value is known and greater than the limit."""
    return Evidence(name, _known(value), limit, value > limit)


def at_least(name: str, value: float, limit: float) -> Evidence:
    """Passes when the value is known and not below the limit."""
    return Evidence(name, _known(value), limit, value >= limit)


def at_most(name: str, value: float, limit: float) -> Evidence:
    """Passes when the value is known and not above the limit."""
    return Evidence(name, _known(value), limit, value <= limit)


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _ratio(part: Floats, whole: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole > 0, part / whole, np.nan)


def _recent_skill(kept: Book, first: int, end: int, dates: int) -> float:
    """MAE skill against zero over the last ``dates`` dates that have a pair."""
    seen = kept.panel.counts[first : end + 1, 0, 0]
    start = first + int(np.searchsorted(seen, seen[-1] - dates, side="right")) - 1
    start = max(start, first)
    gain = (kept.tickers.values[end] - kept.tickers.values[start])[0].sum()
    return float(_ratio(gain, (kept.errors[end] - kept.errors[start])[0].sum()))


def _variance_ratio(sums: Floats) -> float:
    n, y, y2, f, f2 = sums
    outcomes = y2 - y * y / n if n else 0.0
    return float(max(f2 - f * f / n, 0.0) / outcomes) if outcomes > 0 else math.nan
