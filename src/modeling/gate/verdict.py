"""Outcomes, a challenger's and the champion's forecasts in; better, worse or undecided out.

``better`` is the only verdict that may change what is served. It needs every piece of evidence:
the loss differences, averaged over tickers per date, significantly above zero on absolute AND
squared loss against zero AND the champion, a gain worth having, hardly a ticker significantly
worse and none surely far worse, skill in the recent past, and forecasts that do not swing far.
``worse`` is significance the other way on both losses against either of them. Anything else keeps
the champion. Overlapping labels and few independent periods are what the tests are made for (hac).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from src.modeling.evaluation import hac
from src.modeling.gate import criteria, losses, reasons
from src.modeling.gate.criteria import Evidence, Rules
from src.modeling.gate.losses import Book

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

BETTER, WORSE, UNDECIDED = "better", "worse", "undecided"
# The panel's level by how many configurations were tried, of which one had to look best by luck.
LEVELS = ((10, 0.05), (50, 0.01))
LEVEL_OF_MORE = 0.001
PATIENCE = 20.0


@dataclass(frozen=True)
class Verdict:
    """What the gate says and why.

    Attributes:
        verdict: ``better``, ``worse`` or ``undecided``.
        reason: One sentence.
        evidence: Every number weighed, in order; see ``named``.
        n: Pairs of a forecast and an outcome.
        dates: Distinct dates among them.
        n_eff: Periods that do not overlap, dates / horizon.
        configurations: Configurations tried to find the challenger.
        sessions_until_decidable: Sessions until the tests could decide if effect and noise stayed
            as measured; 0 when they do now, None when they never would.
    """

    verdict: str
    reason: str
    evidence: tuple[Evidence, ...]
    n: int
    dates: int
    n_eff: float
    configurations: int
    sessions_until_decidable: int | None

    def named(self, name: str) -> Evidence:
        """The piece of evidence of that name; KeyError without it."""
        return {one.name: one for one in self.evidence}[name]


@dataclass(frozen=True, eq=False)
class Replay:
    """What the gate would have said and served, with what was known at the time.

    Attributes:
        rows: Rows at whose close it was asked, ascending.
        verdicts: What it said then of the challenger; as long as ``rows``.
        promoted: Rows whose forecasts would have been the challenger's; (T,).
        served: The forecasts that would have been served; (T, N).
    """

    rows: Ints
    verdicts: tuple[str, ...]
    promoted: Bools
    served: Floats


def rules_for(
    horizon: int, min_mae_improvement: float, configurations: int = 1, *, repeated: bool = False
) -> Rules:
    """Limits of a horizon in sessions.

    The panel's tests are at 5 % for up to 10 configurations tried, at 1 % up to 50, at .1 % beyond.

    ``repeated`` is for a question that is asked again after every month or session.

    Of 600 simulated challengers without skill, the only one tried, at most 5.7 % pass at 5 %; of
    those with a 63-day R2 of 5 % over 50 tickers 61 % pass after 252 dates and 89 % after 1260.
    """
    level = next((level for most, level in LEVELS if configurations <= most), LEVEL_OF_MORE)
    patience = PATIENCE if repeated else 0.0
    rules = Rules(horizon, level, min_mae_improvement, configurations, patience=patience)
    return rules if horizon == 1 else replace(rules, worst_ticker=-0.10, max_variance_ratio=0.10)


def judge(
    actual: Floats,
    challenger: Floats,
    champion: Floats | None = None,
    *,
    rules: Rules,
    further: Sequence[Evidence] = (),
) -> Verdict:
    """The verdict on a challenger, against zero and the champion.

    Args:
        actual: Realised simple returns only, sessions by tickers; NaN where none.
        challenger: Its forecasts of them, made before; NaN where none.
        champion: The forecasts served so far; None means zero.
        rules: From ``rules_for``.
        further: Evidence gathered elsewhere, of coverage say; ``better`` needs it too.

    Raises:
        ValueError: For matrices of different shapes. Too few outcomes are a verdict, no error.
    """
    kept, end = losses.book(actual, challenger, champion), len(actual)
    tests = criteria.panel_tests(kept, 0, end, rules)
    evidence = (
        *criteria.panel_evidence(tests, kept, rules),
        *criteria.further_evidence(kept, 0, end, rules),
        *further,
    )
    verdict, behind = _panel_says(tests, rules)
    if verdict == BETTER and not all(one.passed for one in evidence):
        verdict = UNDECIDED
    dates = int(tests.n.max(initial=0))
    than = None if behind is None else kept.references[behind]
    wait = _wait(tests, evidence, rules) if verdict == UNDECIDED else 0
    return Verdict(
        verdict,
        reasons.reason(verdict, evidence, dates, rules, than),
        evidence,
        n=int(kept.moments[-1, 0]),
        dates=dates,
        n_eff=dates / rules.horizon,
        configurations=rules.configurations,
        sessions_until_decidable=wait,
    )


def judge_served(actual: Floats, served: Floats, *, rules: Rules, since: int = 0) -> Verdict:
    """The verdict on the forecasts of who is served, against zero; ``worse`` is to demote it.

    It is ``worse`` over the whole record, over the rows from ``since`` on, its promotion, or over
    the latest of these, twice the least number of dates: a long good past would hide harm for
    years. Otherwise the verdict is that of the whole record. Matrices as for ``judge``.
    """
    kept, end = losses.book(actual, served), len(actual)
    firsts = (0, *_trials(since, end, rules))
    first = next((one for one in firsts if label(kept, one, end, rules) == WORSE), 0)
    return judge(actual[first:], served[first:], rules=rules)


def replay(
    actual: Floats,
    challenger: Floats,
    champion: Floats | None = None,
    *,
    rules: Rules,
    every: int = 21,
) -> Replay:
    """The verdicts of every ``every``-th session and the forecasts served by them.

    A label of row t is used at row s only when t + horizon <= s. Until promoted the champion's
    forecasts are served (zero without one). A promoted challenger is demoted when it has become
    significantly worse over its whole record, or than zero over the forecasts served since or
    the latest of these; then only forecasts made after its demotion count for a new promotion.

    Args:
        actual: Simple returns over the horizon that follows each row, (T, N).
        challenger: Its forecasts, made at the close of each row.
        champion: The forecasts it must beat besides zero.
        rules: From ``rules_for``.
        every: Sessions from one judgement to the next.
    """
    kept, whole = losses.book(actual, challenger, champion), len(actual)
    rows, promoted = np.arange(every - 1, whole, every), np.zeros(whole, dtype=bool)
    said: list[str] = []
    start, since, serving = 0, 0, False
    for row in rows.tolist():
        end = max(row - rules.horizon + 1, start)
        verdict = label(kept, start, end, rules)
        if not serving and verdict == BETTER:
            serving, since = True, row
        elif serving and (verdict == WORSE or _turned(kept, since, end, rules)):
            serving, start, verdict = False, row, WORSE
        promoted[row:] = serving
        said.append(verdict)
    base = np.zeros_like(actual) if champion is None else champion
    served = np.where(promoted[:, None] & np.isfinite(challenger), challenger, base)
    return Replay(rows, tuple(said), promoted, served)


def label(kept: Book, first: int, end: int, rules: Rules) -> str:
    """The verdict on rows ``first`` up to but not including ``end``, without its evidence."""
    if end - first < rules.dates_needed:
        return UNDECIDED
    tests = criteria.panel_tests(kept, first, end, rules)
    verdict, _ = _panel_says(tests, rules)
    if verdict != BETTER:
        return verdict
    rest = criteria.further_evidence(kept, first, end, rules)
    return BETTER if all(one.passed for one in rest) else UNDECIDED


def _turned(kept: Book, since: int, end: int, rules: Rules) -> bool:
    alone = kept.against_zero()
    return any(label(alone, at, end, rules) == WORSE for at in _trials(since, end, rules))


def _trials(since: int, end: int, rules: Rules) -> tuple[int, int]:
    """First rows of the live record and of its latest part."""
    first = min(since, end)
    return first, max(first, end - 2 * rules.dates_needed)


def _panel_says(tests: hac.MeanTest, rules: Rules) -> tuple[str, int | None]:
    """What the panel's tests alone say, and the reference it is worse than.

    The rest of the evidence can only take ``better`` away.
    """
    if tests.n.max(initial=0) < rules.dates_needed:
        return UNDECIDED, None
    limit = hac.critical(tests.b, rules.level)
    if (tests.t > criteria.limit_for_better(tests.n, tests.b, rules)).all():
        return BETTER, None
    behind = np.flatnonzero((tests.t < -limit).all(axis=-1))
    return (WORSE, int(behind[0])) if behind.size else (UNDECIDED, None)


def _wait(tests: hac.MeanTest, evidence: Sequence[Evidence], rules: Rules) -> int | None:
    gains = [one for one in evidence if one.name.startswith("mae_improvement_vs_")]
    return criteria.sessions_until_decidable(
        tests, rules, worthwhile=all(one.passed for one in gains)
    )
