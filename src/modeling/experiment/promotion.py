"""Decide whether a challenger is promoted, and whether the champion is kept or demoted.

A challenger is promoted by the verdict ``better`` alone. Once promoted it stays, whatever is
undecided later, until it is significantly worse than zero (``gate.judge_served``), beaten by
another challenger, or cannot be stored any more. After a way back to zero, by a demotion or by a
person, only forecasts made later count. All this is decided at the last complete session, from
what was realised by then: a backtest's ``gate.replay`` at that session says the same.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import numpy as np

from src.modeling.experiment.run import WalkForwardResult
from src.modeling.gate import verdict as gate
from src.modeling.gate.verdict import BETTER, UNDECIDED, WORSE, Verdict

ZERO = "zero"
PROMOTED, DEMOTED, KEPT = "promoted", "demoted", "kept"


@dataclass(frozen=True)
class Champion:
    """Who is served in a pool at one horizon.

    Attributes:
        served: Name of the candidate.
        since: The session at whose close that was decided, if ever.
        counted_since: The last way back to zero, if ever: only later forecasts count.
    """

    served: str = ZERO
    since: dt.date | None = None
    counted_since: dt.date | None = None


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
    """Decide who is served after the last complete session of a pool's walk-forward."""
    challenger = result.config.challenger
    if champion.served == ZERO:
        return _challenge_zero(result, champion)
    if champion.served not in result.models:
        return _retire(result, champion)
    if champion.served == challenger:
        return _review(result, champion)
    verdict = _judge(result, challenger, champion)
    return (
        _promote(result, champion, verdict)
        if verdict.verdict == BETTER
        else _review(result, champion)
    )


def _challenge_zero(result: WalkForwardResult, champion: Champion) -> PromotionDecision:
    """Judge the challenger against zero."""
    challenger = result.config.challenger
    verdict = _judge(result, challenger, champion)
    if verdict.verdict == BETTER:
        return _promote(result, champion, verdict)
    return PromotionDecision(champion, challenger, verdict.verdict, verdict, verdict.reason)


def _retire(result: WalkForwardResult, champion: Champion) -> PromotionDecision:
    """Put zero, or a challenger that is better, in the place of a champion without a model."""
    # Nobody lost: all that counted so far counts at the next decision as well.
    zero = Champion(counted_since=champion.counted_since)
    decision = _challenge_zero(result, zero)
    if decision.event == PROMOTED:
        return decision
    why = "could not be fitted" if champion.served in result.points else "is no longer a candidate"
    reason = f"{champion.served}, served so far, {why}. {decision.reason}"
    return replace(decision, event=DEMOTED, reason=reason)


def _judge(result: WalkForwardResult, challenger: str, champion: Champion) -> Verdict:
    """The verdict on a challenger; one that cannot be stored is never better."""
    rows = _rows(result, champion.counted_since)
    served = None if champion.served == ZERO else result.points[champion.served][rows]
    verdict = gate.judge(
        result.scored[rows],
        result.points[challenger][rows],
        served,
        sigma=result.distributions.sigma[rows],
        rules=result.config.rules,
    )
    if verdict.verdict != BETTER or challenger in result.models:
        return verdict
    reason = (
        f"Undecided: it could not be fitted at the last session. By its record: {verdict.reason}"
    )
    return replace(verdict, verdict=UNDECIDED, reason=reason)


def _promote(result: WalkForwardResult, champion: Champion, verdict: Verdict) -> PromotionDecision:
    name = result.config.challenger
    promoted = Champion(name, _last_session(result), champion.counted_since)
    return PromotionDecision(promoted, name, PROMOTED, verdict, verdict.reason)


def _review(result: WalkForwardResult, champion: Champion) -> PromotionDecision:
    """Keep the champion or demote it, by its own record."""
    name, rows = champion.served, _rows(result, champion.counted_since)
    verdict = gate.judge_served(
        result.scored[rows],
        result.points[name][rows],
        sigma=result.distributions.sigma[rows],
        rules=result.config.rules,
        since=max(_first_row_after(result, champion.since) - rows.start, 0),
    )
    if verdict.verdict == WORSE:
        last = _last_session(result)
        return PromotionDecision(Champion(ZERO, last, last), name, DEMOTED, verdict, verdict.reason)
    reason = verdict.reason
    if verdict.verdict == UNDECIDED:
        reason = f"Served since it was better on {champion.since}; by now: {reason}"
    return PromotionDecision(champion, name, KEPT, verdict, reason)


def _rows(result: WalkForwardResult, after: dt.date | None) -> slice:
    """Rows whose forecasts were made after a day and are realised at the last complete session."""
    first = _first_row_after(result, after)
    return slice(first, max(result.panel.last_complete + 1 - result.horizon, first))


def _last_session(result: WalkForwardResult) -> dt.date:
    day: dt.date = result.panel.sessions[result.panel.last_complete].item()
    return day


def _first_row_after(result: WalkForwardResult, day: dt.date | None) -> int:
    """First row whose forecasts were made after a day; 0 without one."""
    if day is None:
        return 0
    return int(np.searchsorted(result.panel.sessions, np.datetime64(day), side="right"))
