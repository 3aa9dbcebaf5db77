"""Decide whether a challenger is better than, worse than or undecided against the champion.

``better`` is the only verdict that may change what is served. It needs every criterion:
the loss differences, averaged over tickers per date, significantly above zero on absolute AND
squared loss against zero AND the champion, a gain of a useful size, hardly a ticker significantly
worse and none surely far worse, skill in the recent past, and forecasts that do not vary too much.
Over one session and in pools of twenty tickers the significance that grows with the
configurations tried is asked of forecast encompassing in units of volatility (``losses``), which
finds the same skill years earlier; the losses themselves must then be smaller at 5 %.
``worse`` is significance the other way on both losses against either of them. Anything else keeps
the champion. Overlapping labels and few independent periods are what the tests are made for (hac).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from src.core.arrays import Bools, Floats, Ints
from src.modeling.evaluation import hac
from src.modeling.gate import criteria, panel_tests, reasons
from src.modeling.gate.criteria import Criterion
from src.modeling.gate.losses import CumulativeLosses, cumulate_losses
from src.modeling.gate.rules import GateRules

BETTER, WORSE, UNDECIDED = "better", "worse", "undecided"


@dataclass(frozen=True)
class Verdict:
    """The gate's verdict, with its reason and evidence.

    Attributes:
        verdict: ``better``, ``worse`` or ``undecided``.
        reason: One sentence.
        evidence: Every criterion, in order.
        n: Pairs of a forecast and an outcome.
        dates: Distinct dates among them.
        n_eff: Periods that do not overlap, dates / horizon.
        configurations: Configurations tried to find the challenger.
        sessions_until_decidable: Sessions until the tests could decide if effect and noise stayed
            as measured; 0 when they do now, None when they never would.
        skill_range: The 95 % range of the gain in MAE over zero; see ``panel_tests.skill_range``.
    """

    verdict: str
    reason: str
    evidence: tuple[Criterion, ...]
    n: int
    dates: int
    n_eff: float
    configurations: int
    sessions_until_decidable: int | None
    skill_range: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class Replay:
    """What the gate's past verdicts would have served.

    Attributes:
        promoted: Rows whose forecasts would have been the challenger's; (T,).
        served: The forecasts that would have been served; (T, N).
    """

    promoted: Bools
    served: Floats


def judge(
    actual: Floats,
    challenger: Floats,
    champion: Floats | None = None,
    *,
    sigma: Floats | None,
    rules: GateRules,
) -> Verdict:
    """The verdict on a challenger, against zero and the champion.

    ``actual`` are realised simple returns only, sessions by tickers; the forecasts of them, and of
    their volatility ``sigma``, were made before; NaN where none. No champion means zero.

    Raises:
        ValueError: For matrices of different shapes, or volatilities that the rules need and are
            not given. Too few outcomes are a verdict, no error.
    """
    losses, end = _cumulate(actual, challenger, champion, sigma, rules), len(actual)
    tests = hac.mean_test_at(losses.panel, 0, end, rules.horizon)
    evidence = (
        *panel_tests.panel_criteria(tests, losses, rules),
        *criteria.further_criteria(losses, 0, end, rules),
    )
    verdict, behind = _weigh(tests, rules)
    if verdict == BETTER and not _all_passed(evidence):
        verdict = UNDECIDED
    dates = int(tests.n.max(initial=0))
    worse_than = None if behind is None else losses.references[behind]
    wait = _wait(tests, evidence, rules) if verdict == UNDECIDED else 0
    return Verdict(
        verdict,
        reasons.reason(verdict, evidence, dates, rules, worse_than),
        evidence,
        n=int(losses.moments[-1, 0]),
        dates=dates,
        n_eff=dates / rules.horizon,
        configurations=rules.configurations,
        sessions_until_decidable=wait,
        skill_range=panel_tests.skill_range(tests, _gain(evidence), rules),
    )


def judge_served(
    actual: Floats,
    served: Floats,
    *,
    sigma: Floats | None,
    rules: GateRules,
    since: int = 0,
) -> Verdict:
    """The verdict on the forecasts served so far, against zero; ``worse`` demotes their model.

    It is ``worse`` when the whole record is, or the rows from ``since`` (its promotion) on, or the
    latest of these, twice the least number of dates: a long good past would hide harm for years.
    Otherwise the verdict is that of the whole record. Matrices as for ``judge``.
    """
    losses, end = _cumulate(actual, served, None, sigma, rules), len(actual)
    first = _worse_from(losses, 0, since, end, rules) or 0
    later = None if sigma is None else sigma[first:]
    return judge(actual[first:], served[first:], sigma=later, rules=rules)


def replay(
    actual: Floats,
    challenger: Floats,
    *,
    sigma: Floats | None,
    rules: GateRules,
    floor: Ints | None = None,
    every: int = 21,
) -> Replay:
    """What is served when the gate decides after every ``every``-th session.

    A label of row t is used at row s only when t + horizon <= s. Until promoted zero is served.
    A promoted challenger is demoted as by ``judge_served``; then only forecasts made after its
    demotion count, for a new promotion and as its record.

    ``actual`` are simple returns over the horizon that follows each row, (T, N); forecasts, and
    ``sigma`` of the outcome's volatility, are made at its close. ``floor`` says, for a decision at
    each row, how many outcomes a session needs to count; (T,), any by default.
    """
    floors = np.ones(len(actual), dtype=np.int64) if floor is None else np.maximum(floor, 1)
    known = np.isfinite(actual).sum(axis=1, keepdims=True)

    # Floors rise a few times at most, and losses are large: one of them is kept.
    @lru_cache(maxsize=1)
    def losses_with(least: int) -> CumulativeLosses:
        counting = np.where(known >= least, actual, np.nan)
        return _cumulate(counting, challenger, None, sigma, rules)

    promoted = np.zeros(len(actual), dtype=bool)
    counted, since, serving = 0, 0, False
    for row in range(every - 1, len(actual), every):
        end = max(row - rules.horizon + 1, counted)
        if not serving and end - counted < rules.dates_needed:
            continue
        losses = losses_with(int(floors[row]))
        if not serving and verdict_of(losses, counted, end, rules) == BETTER:
            serving, since = True, row + 1
        elif serving and _worse_from(losses, counted, since, end, rules) is not None:
            serving, counted = False, row + 1
        promoted[row:] = serving
    served = np.where(promoted[:, None] & np.isfinite(challenger), challenger, 0.0)
    return Replay(promoted, served)


def verdict_of(losses: CumulativeLosses, first: int, end: int, rules: GateRules) -> str:
    """The verdict on rows ``first`` up to but not including ``end``, without its evidence."""
    verdict = _panel_verdict(losses, first, end, rules)
    if verdict != BETTER:
        return verdict
    further = criteria.further_criteria(losses, first, end, rules)
    return BETTER if _all_passed(further) else UNDECIDED


def _cumulate(
    actual: Floats,
    challenger: Floats,
    champion: Floats | None,
    sigma: Floats | None,
    rules: GateRules,
) -> CumulativeLosses:
    if not rules.standardised:
        return cumulate_losses(actual, challenger, champion)
    if sigma is None:
        raise ValueError("these rules need the volatility that was forecast for each outcome")
    return cumulate_losses(actual, challenger, champion, sigma=sigma)


def _worse_from(
    losses: CumulativeLosses, counted: int, since: int, end: int, rules: GateRules
) -> int | None:
    """The first row of the record that is worse: of all that counts, since ``since``, or lately."""
    live = min(max(since, counted), end)
    firsts = (counted, live, max(live, end - 2 * rules.dates_needed))
    worse = (first for first in firsts if _panel_verdict(losses, first, end, rules) == WORSE)
    return next(worse, None)


def _panel_verdict(losses: CumulativeLosses, first: int, end: int, rules: GateRules) -> str:
    """The verdict of the panel's tests alone; other criteria can only take ``better`` away."""
    if end - first < rules.dates_needed:
        return UNDECIDED
    tests = hac.mean_test_at(losses.panel, first, end, rules.horizon)
    return _weigh(tests, rules)[0]


def _weigh(tests: hac.MeanTest, rules: GateRules) -> tuple[str, int | None]:
    """The verdict of the panel's tests, and the reference it is worse than."""
    if tests.n.max(initial=0) < rules.dates_needed:
        return UNDECIDED, None
    if panel_tests.is_better(tests, rules):
        return BETTER, None
    behind = panel_tests.worse_than(tests, rules)
    return (UNDECIDED if behind is None else WORSE), behind


def _wait(tests: hac.MeanTest, evidence: Sequence[Criterion], rules: GateRules) -> int | None:
    gains = [each for each in evidence if each.name.startswith("mae_improvement_vs_")]
    return panel_tests.sessions_until_decidable(tests, rules, worthwhile=_all_passed(gains))


def _gain(evidence: Sequence[Criterion]) -> float | None:
    """The relative gain in MAE over zero."""
    return next(each.value for each in evidence if each.name == "mae_improvement_vs_zero")


def _all_passed(evidence: Sequence[Criterion]) -> bool:
    return all(criterion.passed for criterion in evidence)
