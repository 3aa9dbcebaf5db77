"""Decide whether a challenger is promoted, and whether the champion is kept or demoted.

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
    """Who is served from now on, and why.

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
    """Decide who is served after the last session of a pool's walk-forward."""
    challenger = result.config.challenger
    if champion.served == ZERO or champion.served not in result.points:
        return _challenge_zero(result, champion)
    if champion.served == challenger:
        return _review(result, champion)
    verdict = gate.judge(
        result.scored,
        result.points[challenger],
        result.points[champion.served],
        rules=result.config.rules,
    )
    return _promote(result, verdict) if verdict.verdict == BETTER else _review(result, champion)


def _challenge_zero(result: WalkForwardResult, champion: Champion) -> PromotionDecision:
    """Judge the challenger against zero, by its forecasts since a demotion if there was one."""
    challenger = result.config.challenger
    first = _first_row_after(result, champion.since) if champion.served == ZERO else 0
    verdict = gate.judge(
        result.scored[first:], result.points[challenger][first:], rules=result.config.rules
    )
    if verdict.verdict == BETTER:
        return _promote(result, verdict)
    if champion.served == ZERO:
        return PromotionDecision(champion, challenger, verdict.verdict, verdict, verdict.reason)
    reason = f"{champion.served}, served so far, is no longer a candidate. {verdict.reason}"
    # The challenger lost nothing: its whole record counts at the next decision as well.
    return PromotionDecision(Champion(), challenger, DEMOTED, verdict, reason)


def _promote(result: WalkForwardResult, verdict: Verdict) -> PromotionDecision:
    name = result.config.challenger
    champion = Champion(name, _last_session(result))
    return PromotionDecision(champion, name, PROMOTED, verdict, verdict.reason)


def _review(result: WalkForwardResult, champion: Champion) -> PromotionDecision:
    """Keep the champion or demote it, by its own record."""
    name = champion.served
    verdict = gate.judge_served(
        result.scored,
        result.points[name],
        rules=result.config.rules,
        since=_first_row_after(result, champion.since),
    )
    if verdict.verdict == WORSE:
        zero = Champion(ZERO, _last_session(result))
        return PromotionDecision(zero, name, DEMOTED, verdict, verdict.reason)
    reason = verdict.reason
    if verdict.verdict == UNDECIDED:
        reason = f"Served since it was better on {champion.since}; by now: {reason}"
    return PromotionDecision(champion, name, KEPT, verdict, reason)


def _last_session(result: WalkForwardResult) -> dt.date:
    day: dt.date = result.panel.sessions[-1].item()
    return day


def _first_row_after(result: WalkForwardResult, since: dt.date | None) -> int:
    """First row whose forecasts were made after a decision; 0 without one."""
    if since is None:
        return 0
    return int(np.searchsorted(result.panel.sessions, np.datetime64(since), side="right"))
