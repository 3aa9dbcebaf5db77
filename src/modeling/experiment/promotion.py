"""A contest and who is served so far in; who is served from now on, and why, out. Pure.

A challenger is promoted by the verdict ``better`` alone. Once promoted it stays, whatever is
undecided later, until it is significantly worse than zero (``gate.judge_served``) or beaten by
another challenger; only forecasts made after a demotion count for a new promotion.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from src.modeling.experiment.run import Contest
from src.modeling.gate import verdict as gate
from src.modeling.gate.verdict import BETTER, UNDECIDED, WORSE, Verdict

ZERO = "zero"
PROMOTED, DEMOTED, KEPT = "promoted", "demoted", "kept"


@dataclass(frozen=True)
class Standing:
    """Who is served at one horizon, and the session at whose close that was decided, if ever."""

    served: str = ZERO
    since: dt.date | None = None


@dataclass(frozen=True, eq=False)
class Decision:
    """What came of a look at the evidence.

    Attributes:
        standing: Who is served from now on.
        candidate: Whose verdict it is: the champion's when one is kept or demoted, else the
            challenger's.
        event: ``promoted``, ``demoted``, ``kept``, or the challenger's verdict while zero stays.
        verdict: The gate's, with its evidence.
        reason: One sentence for a person.
    """

    standing: Standing
    candidate: str
    event: str
    verdict: Verdict
    reason: str


def decide(held: Contest, now: Standing) -> Decision:
    """Who is served after the last session of a contest."""
    challenger = held.rules.challenger
    if now.served == ZERO or now.served not in held.points:
        return _against_zero(held, now)
    if now.served == challenger:
        return _champion(held, now)
    verdict = gate.judge(
        held.judged, held.points[challenger], held.points[now.served], rules=held.gate_rules
    )
    return _promoted(held, verdict) if verdict.verdict == BETTER else _champion(held, now)


def _against_zero(held: Contest, now: Standing) -> Decision:
    """The challenger, by what it forecast after a demotion if there was one."""
    challenger = held.rules.challenger
    first = _row(held, now.since) if now.served == ZERO else 0
    verdict = gate.judge(
        held.judged[first:], held.points[challenger][first:], rules=held.gate_rules
    )
    if verdict.verdict == BETTER:
        return _promoted(held, verdict)
    if now.served == ZERO:
        return Decision(now, challenger, verdict.verdict, verdict, verdict.reason)
    reason = f"{now.served}, served so far, is no candidate any more. {verdict.reason}"
    # The challenger lost nothing: its record counts whole at the next look as well.
    return Decision(Standing(), challenger, DEMOTED, verdict, reason)


def _promoted(held: Contest, verdict: Verdict) -> Decision:
    name = held.rules.challenger
    return Decision(Standing(name, _today(held)), name, PROMOTED, verdict, verdict.reason)


def _champion(held: Contest, now: Standing) -> Decision:
    """By its own record it is served on, or demoted."""
    verdict = gate.judge_served(
        held.judged, held.points[now.served], rules=held.gate_rules, since=_row(held, now.since)
    )
    if verdict.verdict == WORSE:
        return Decision(Standing(ZERO, _today(held)), now.served, DEMOTED, verdict, verdict.reason)
    reason = verdict.reason
    if verdict.verdict == UNDECIDED:
        reason = f"Served since it was better on {now.since}; by now: {reason}"
    return Decision(now, now.served, KEPT, verdict, reason)


def _today(held: Contest) -> dt.date:
    day: dt.date = held.panel.sessions[-1].item()
    return day


def _row(held: Contest, since: dt.date | None) -> int:
    """First row whose forecasts were made after a decision."""
    if since is None:
        return 0
    return int(np.searchsorted(held.panel.sessions, np.datetime64(since), side="right"))
