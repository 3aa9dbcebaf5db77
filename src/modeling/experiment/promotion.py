"""A contest and who is served so far in; who is served from now on, and why, out. Pure.

A challenger is promoted by the verdict ``better`` alone. Once promoted it stays, whatever is
undecided later, until it is significantly worse than zero (``gate.judge_served``) or beaten by
another challenger; only forecasts made after a demotion count for a new promotion.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from src.modeling.experiment.run import WalkForwardResult
from src.modeling.gate import verdict as gate
from src.modeling.gate.verdict import BETTER, UNDECIDED, WORSE, Verdict

ZERO = "zero"
PROMOTED, DEMOTED, KEPT = "promoted", "demoted", "kept"


@dataclass(frozen=True)
class Champion:
    """Who is served at one horizon, and the session at whose close that was decided, if ever."""

    served: str = ZERO
    since: dt.date | None = None


@dataclass(frozen=True, eq=False)
class PromotionDecision:
    """What came of a look at the evidence.

    Attributes:
        champion: Who is served from now on.
        candidate: Whose verdict it is: the champion's when one is kept or demoted, else the
            challenger's.
        event: ``promoted``, ``demoted``, ``kept``, or the challenger's verdict while zero stays.
        verdict: The gate's, with its evidence.
        reason: One sentence for a person.
    """

    champion: Champion
    candidate: str
    event: str
    verdict: Verdict
    reason: str


def decide_promotion(result: WalkForwardResult, champion: Champion) -> PromotionDecision:
    """Who is served after the last session of a contest."""
    challenger = result.config.challenger
    if champion.served == ZERO or champion.served not in result.points:
        return _against_zero(result, champion)
    if champion.served == challenger:
        return _champion(result, champion)
    verdict = gate.judge(
        result.judged,
        result.points[challenger],
        result.points[champion.served],
        rules=result.gate_rules,
    )
    return _promoted(result, verdict) if verdict.verdict == BETTER else _champion(result, champion)


def _against_zero(result: WalkForwardResult, now: Champion) -> PromotionDecision:
    """The challenger, by what it forecast after a demotion if there was one."""
    challenger = result.config.challenger
    first = _row(result, now.since) if now.served == ZERO else 0
    verdict = gate.judge(
        result.judged[first:], result.points[challenger][first:], rules=result.gate_rules
    )
    if verdict.verdict == BETTER:
        return _promoted(result, verdict)
    if now.served == ZERO:
        return PromotionDecision(now, challenger, verdict.verdict, verdict, verdict.reason)
    reason = f"{now.served}, served so far, is no candidate any more. {verdict.reason}"
    # The challenger lost nothing: its record counts whole at the next look as well.
    return PromotionDecision(Champion(), challenger, DEMOTED, verdict, reason)


def _promoted(result: WalkForwardResult, verdict: Verdict) -> PromotionDecision:
    name = result.config.challenger
    return PromotionDecision(
        Champion(name, _today(result)), name, PROMOTED, verdict, verdict.reason
    )


def _champion(result: WalkForwardResult, now: Champion) -> PromotionDecision:
    """By its own record it is served on, or demoted."""
    verdict = gate.judge_served(
        result.judged,
        result.points[now.served],
        rules=result.gate_rules,
        since=_row(result, now.since),
    )
    if verdict.verdict == WORSE:
        return PromotionDecision(
            Champion(ZERO, _today(result)), now.served, DEMOTED, verdict, verdict.reason
        )
    reason = verdict.reason
    if verdict.verdict == UNDECIDED:
        reason = f"Served since it was better on {now.since}; by now: {reason}"
    return PromotionDecision(now, now.served, KEPT, verdict, reason)


def _today(result: WalkForwardResult) -> dt.date:
    day: dt.date = result.panel.sessions[-1].item()
    return day


def _row(result: WalkForwardResult, since: dt.date | None) -> int:
    """First row whose forecasts were made after a decision."""
    if since is None:
        return 0
    return int(np.searchsorted(result.panel.sessions, np.datetime64(since), side="right"))
