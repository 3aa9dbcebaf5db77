"""Decide whether a challenger is better than, worse than or undecided against the champion.

``better`` is the only verdict that may change what is served. It needs every criterion:
the loss differences, averaged over tickers per date, significantly above zero on absolute AND
squared loss against zero AND the champion, a gain of a useful size, hardly a ticker significantly
worse and none surely far worse, skill in the recent past, and forecasts that do not vary too much.
``worse`` is significance the other way on both losses against either of them. Anything else keeps
the champion. Overlapping labels and few independent periods are what the tests are made for (hac).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from src.core.arrays import Bools, Floats, Ints
from src.modeling.evaluation import hac
from src.modeling.gate import criteria, reasons
from src.modeling.gate.criteria import Criterion, GateRules
from src.modeling.gate.losses import CumulativeLosses, cumulate_losses

BETTER, WORSE, UNDECIDED = "better", "worse", "undecided"
# The panel's level by how many configurations were tried, of which one had to look best by luck.
LEVELS = ((10, 0.05), (50, 0.01))
LEVEL_OF_MORE = 0.001
PATIENCE = 20.0


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
    """

    verdict: str
    reason: str
    evidence: tuple[Criterion, ...]
    n: int
    dates: int
    n_eff: float
    configurations: int
    sessions_until_decidable: int | None


@dataclass(frozen=True, eq=False)
class Replay:
    """The gate's past verdicts, and the forecasts that they would have served.

    Attributes:
        rows: Rows at whose close it decided, ascending.
        verdicts: Of the challenger at each of ``rows``.
        promoted: Rows whose forecasts would have been the challenger's; (T,).
        served: The forecasts that would have been served; (T, N).
    """

    rows: Ints
    verdicts: tuple[str, ...]
    promoted: Bools
    served: Floats


def rules_for(
    horizon: int, min_mae_improvement: float, configurations: int = 1, *, repeated: bool = False
) -> GateRules:
    """Limits of a horizon in sessions.

    The panel's tests are at 5 % for up to 10 configurations tried, at 1 % up to 50, at .1 % beyond.

    ``repeated`` is for a test that is made again after every month or session.

    Of 600 simulated challengers without skill, the only one tried, at most 5.7 % pass at 5 %; of
    those with a 63-day R2 of 5 % over 50 tickers 61 % pass after 252 dates and 89 % after 1260.
    """
    level = next((level for most, level in LEVELS if configurations <= most), LEVEL_OF_MORE)
    patience = PATIENCE if repeated else 0.0
    rules = GateRules(horizon, level, min_mae_improvement, configurations, patience=patience)
    return rules if horizon == 1 else replace(rules, worst_ticker=-0.10, max_variance_ratio=0.10)


def judge(
    actual: Floats,
    challenger: Floats,
    champion: Floats | None = None,
    *,
    rules: GateRules,
) -> Verdict:
    """The verdict on a challenger, against zero and the champion.

    ``actual`` are realised simple returns only, sessions by tickers; the forecasts of them were
    made before; NaN where none. No champion means zero.

    Raises:
        ValueError: For matrices of different shapes. Too few outcomes are a verdict, no error.
    """
    losses, end = cumulate_losses(actual, challenger, champion), len(actual)
    tests = hac.mean_test_at(losses.panel, 0, end, rules.horizon)
    evidence = (
        *criteria.panel_criteria(tests, losses, rules),
        *criteria.further_criteria(losses, 0, end, rules),
    )
    verdict, behind = _panel_verdict(tests, rules)
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
    )


def judge_served(actual: Floats, served: Floats, *, rules: GateRules, since: int = 0) -> Verdict:
    """The verdict on the forecasts served so far, against zero; ``worse`` demotes their model.

    It is ``worse`` when the whole record is, or the rows from ``since`` (its promotion) on, or the
    latest of these, twice the least number of dates: a long good past would hide harm for years.
    Otherwise the verdict is that of the whole record. Matrices as for ``judge``.
    """
    losses, end = cumulate_losses(actual, served), len(actual)
    firsts = (0, *_live_starts(since, end, rules))
    first = next((row for row in firsts if verdict_of(losses, row, end, rules) == WORSE), 0)
    return judge(actual[first:], served[first:], rules=rules)


def replay(actual: Floats, challenger: Floats, *, rules: GateRules, every: int = 21) -> Replay:
    """The verdicts of every ``every``-th session and the forecasts served by them.

    A label of row t is used at row s only when t + horizon <= s. Until promoted zero is served.
    A promoted challenger is demoted when it has become significantly worse over its whole record,
    over the forecasts served since or over the latest of these; then only forecasts made after
    its demotion count for a new promotion.

    ``actual`` are simple returns over the horizon that follows each row, (T, N); forecasts are
    made at its close.
    """
    losses, whole = cumulate_losses(actual, challenger), len(actual)
    rows, promoted = np.arange(every - 1, whole, every), np.zeros(whole, dtype=bool)
    verdicts: list[str] = []
    start, since, serving = 0, 0, False
    for row in rows.tolist():
        end = max(row - rules.horizon + 1, start)
        verdict = verdict_of(losses, start, end, rules)
        if not serving and verdict == BETTER:
            serving, since = True, row
        elif serving and (verdict == WORSE or _is_harmful(losses, since, end, rules)):
            serving, start, verdict = False, row, WORSE
        promoted[row:] = serving
        verdicts.append(verdict)
    served = np.where(promoted[:, None] & np.isfinite(challenger), challenger, 0.0)
    return Replay(rows, tuple(verdicts), promoted, served)


def verdict_of(losses: CumulativeLosses, first: int, end: int, rules: GateRules) -> str:
    """The verdict on rows ``first`` up to but not including ``end``, without its evidence."""
    if end - first < rules.dates_needed:
        return UNDECIDED
    tests = hac.mean_test_at(losses.panel, first, end, rules.horizon)
    verdict, _ = _panel_verdict(tests, rules)
    if verdict != BETTER:
        return verdict
    further = criteria.further_criteria(losses, first, end, rules)
    return BETTER if _all_passed(further) else UNDECIDED


def _is_harmful(losses: CumulativeLosses, since: int, end: int, rules: GateRules) -> bool:
    starts = _live_starts(since, end, rules)
    return any(verdict_of(losses, first, end, rules) == WORSE for first in starts)


def _live_starts(since: int, end: int, rules: GateRules) -> tuple[int, int]:
    """First rows of the live record and of its latest part."""
    first = min(since, end)
    return first, max(first, end - 2 * rules.dates_needed)


def _panel_verdict(tests: hac.MeanTest, rules: GateRules) -> tuple[str, int | None]:
    """The verdict of the panel's tests alone, and the reference it is worse than.

    The other criteria can only take ``better`` away.
    """
    if tests.n.max(initial=0) < rules.dates_needed:
        return UNDECIDED, None
    limit = hac.critical(tests.b, rules.level)
    if (tests.t > criteria.limit_for_better(tests.n, tests.b, rules)).all():
        return BETTER, None
    behind = np.flatnonzero((tests.t < -limit).all(axis=-1))
    return (WORSE, int(behind[0])) if behind.size else (UNDECIDED, None)


def _wait(tests: hac.MeanTest, evidence: Sequence[Criterion], rules: GateRules) -> int | None:
    gains = [each for each in evidence if each.name.startswith("mae_improvement_vs_")]
    return criteria.sessions_until_decidable(tests, rules, worthwhile=_all_passed(gains))


def _all_passed(evidence: Sequence[Criterion]) -> bool:
    return all(criterion.passed for criterion in evidence)
