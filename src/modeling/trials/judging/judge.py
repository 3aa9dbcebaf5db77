"""Decide whether a trial has ended: better, equivalent, worse or run out; else it is undecided.

The gate judges, with the limits of a test that is repeated. ``better`` than the live model is asked
of the forecasts as they were served, zero included, and against zero. A live model that speaks now
is what would be replaced, so where it spoke the gate must say better of those forecasts alone:
what was gained on its silent sessions says nothing against it. ``equivalent`` comes before
``worse``: a loss that is certain and too small to matter is none. ``worse`` is asked of the
confidence sequence too, because the gate asks it at every look by the same limit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from src.core.arrays import Floats
from src.modeling.gate import verdict as gate
from src.modeling.gate.rules import GateRules, rules_for
from src.modeling.gate.verdict import BETTER, UNDECIDED, WORSE, Verdict
from src.modeling.trials.judging import wording
from src.modeling.trials.judging.confidence_sequence import (
    ConfidenceSequence,
    confidence_sequence,
    sessions_until_sure,
    surely_inside,
)

EQUIVALENT, RAN_OUT = "equivalent", "ran_out"
# The gate's levels that a trial halves, and theirs.
HALVED = {0.05: 0.025}
# Windows of one horizon leave out part of the variance of labels that overlap over it: 6 and 7 % of
# constant and break-even challengers of fifty tickers were once better at 63 sessions without this.
OVERLAP = 1.25
# A live model speaks now if any of its forecasts of so many latest sessions with pairs is not zero.
LATELY = 21


@dataclass(frozen=True)
class TrialRules:
    """By what a trial is judged; see ``trial_rules``.

    Attributes:
        gate: Of the gate.
        loss: ``absolute`` or ``squared``: of the sequence and of ``equivalent``.
        smallest_effect: The smallest gain that matters, relative to the reference's mean loss.
        max_sessions: Sessions with outcomes after which it has run out.
    """

    gate: GateRules
    loss: str
    smallest_effect: float
    max_sessions: int


@dataclass(frozen=True, eq=False)
class TrialVerdict:
    """The verdict of one look.

    Attributes:
        verdict: ``better``, ``equivalent``, ``worse``, ``ran_out`` or ``undecided``.
        reason: One sentence.
        gate: What the gate says of all pairs; its ``dates`` are the sessions with outcomes.
        sessions_needed: Sessions until the trial would end if effect and noise stayed as they are;
            0 when it has ended, None when that cannot be said.
        sequence: Of the mean loss difference so far, the reference's less the challenger's, by row:
            of what was to be expected of these sessions when the forecasts were made.
        gain: That mean relative to ``scale``; None without a pair.
        scale: The reference's mean loss over the sessions with pairs; None without a pair.
    """

    verdict: str
    reason: str
    gate: Verdict
    sessions_needed: int | None
    sequence: ConfidenceSequence
    gain: float | None
    scale: float | None


def trial_rules(
    horizon: int,
    *,
    smallest_effect: float,
    max_sessions: int,
    configurations: int = 1,
    tickers: int = 1,
    loss: str = "absolute",
    min_mae_improvement: float = 0.0,
) -> TrialRules:
    """Rules of a trial over so many tickers, ``horizon`` in sessions.

    A gain below ``min_mae_improvement``, the installation's, is never better either.

    The limits of ``better`` are those of O'Brien and Fleming (1979): at n sessions
    sqrt(max_sessions / n) times that of the last. A sum that wanders without a drift is ever
    beyond it twice as often as at the last look (the reflection principle): 2.5 % there are 5 % in
    all. Where labels overlap the limits are those of a trial ``OVERLAP`` times as long.
    """
    floor = max(smallest_effect, min_mae_improvement)
    rules = rules_for(horizon, floor, configurations, tickers=tickers, repeated=True)
    level = HALVED.get(rules.level, rules.level)
    longest = max_sessions * (OVERLAP if horizon > 1 else 1.0)
    rules = replace(rules, level=level, patience=longest / horizon)
    return TrialRules(rules, loss, smallest_effect, max_sessions)


def judge_trial(
    actual: Floats,
    challenger: Floats,
    reference: Floats | None,
    sigma: Floats | None,
    rules: TrialRules,
) -> TrialVerdict:
    """The verdict on (T, N) pairs so far, rows in order of their sessions; NaN is no pair.

    ``actual`` are realised simple returns only, the forecasts and the volatility ``sigma`` of the
    outcome were made before. No reference is zero.

    Raises:
        ValueError: For matrices of different shapes, or without ``sigma`` where the gate needs it.
    """
    verdict = _judge(actual, challenger, reference, sigma, rules.gate)
    served = np.zeros_like(actual) if reference is None else reference
    actual = _paired(actual, challenger, served, sigma if rules.gate.standardised else None)
    differences, losses = session_losses(actual, challenger, served, rules.loss)
    sequence = confidence_sequence(differences, rules.gate.horizon, rules.max_sessions)
    spoken = _where_it_speaks(actual, challenger, served, sigma, rules.gate)
    high = float(sequence.high[-1]) if len(actual) else np.nan
    ending = _ending(verdict, spoken, differences, losses, high, rules)
    scale = float(np.nanmean(losses)) if verdict.dates else None
    gain = float(sequence.mean[-1]) / scale if scale else None
    needed: int | None = 0
    if ending == UNDECIDED:
        needed = _sessions_needed(verdict, spoken, differences, losses, rules)
    name = "zero" if reference is None else "champion"
    reason = wording.reason(
        ending,
        wording.Look(verdict, spoken, name, gain, needed),
        dates_needed=rules.gate.dates_needed,
        smallest_effect=rules.smallest_effect,
        max_sessions=rules.max_sessions,
    )
    return TrialVerdict(ending, reason, verdict, needed, sequence, gain, scale)


def session_losses(
    actual: Floats, challenger: Floats, reference: Floats, loss: str
) -> tuple[Floats, Floats]:
    """Means over the tickers of a session: the reference's loss less the challenger's, and its own.

    Both (T,); NaN for a session without a pair.
    """
    errors, own = np.abs(actual - reference), np.abs(actual - challenger)
    if loss == "squared":
        errors, own = errors**2, own**2
    known = np.isfinite(errors) & np.isfinite(own)
    counts = known.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return (
            np.where(known, errors - own, 0.0).sum(axis=1) / counts,
            np.where(known, errors, 0.0).sum(axis=1) / counts,
        )


def _judge(
    actual: Floats,
    challenger: Floats,
    reference: Floats | None,
    sigma: Floats | None,
    rules: GateRules,
) -> Verdict:
    """The gate's verdict; zero as the challenger is judged against the live model alone."""
    if reference is None or np.any(np.isfinite(challenger) & (challenger != 0)):
        return gate.judge(actual, challenger, reference, sigma=sigma, rules=rules)
    # The same losses, measured from the live model's forecasts.
    verdict = gate.judge(actual - reference, challenger - reference, sigma=sigma, rules=rules)
    evidence = tuple(
        replace(each, name=each.name.replace("_vs_zero", "_vs_champion"))
        for each in verdict.evidence
    )
    return replace(verdict, evidence=evidence)


def _paired(actual: Floats, challenger: Floats, reference: Floats, sigma: Floats | None) -> Floats:
    """The outcomes of pairs, as the gate counts them; NaN elsewhere."""
    known = np.isfinite(challenger) & np.isfinite(reference)
    if sigma is not None:
        known &= sigma > 0
    return np.where(known, actual, np.nan)


def _where_it_speaks(
    actual: Floats,
    challenger: Floats,
    reference: Floats,
    sigma: Floats | None,
    rules: GateRules,
) -> Verdict | None:
    """The gate's verdict on the pairs whose reference is not zero.

    None where that adds nothing: it never spoke, or not lately, or always.
    """
    pairs = np.isfinite(actual)
    spoken = pairs & (reference != 0)
    lately = np.flatnonzero(pairs.any(axis=1))[-LATELY:]
    if not spoken[lately].any() or (spoken == pairs).all():
        return None
    alone = np.where(spoken, actual, np.nan)
    return _judge(alone, challenger, reference, sigma, rules)


def _ending(
    verdict: Verdict,
    spoken: Verdict | None,
    differences: Floats,
    losses: Floats,
    high: float,
    rules: TrialRules,
) -> str:
    if verdict.verdict == BETTER and (spoken is None or spoken.verdict == BETTER):
        return BETTER
    if verdict.dates >= rules.gate.dates_needed:
        h, longest = rules.gate.horizon, rules.max_sessions
        if surely_inside(differences, losses, rules.smallest_effect, h, longest):
            return EQUIVALENT
    if verdict.verdict == WORSE and high < 0:
        return WORSE
    return RAN_OUT if verdict.dates >= rules.max_sessions else UNDECIDED


def _sessions_needed(
    verdict: Verdict,
    spoken: Verdict | None,
    differences: Floats,
    losses: Floats,
    rules: TrialRules,
) -> int | None:
    """The soonest that is known of better, worse and equivalent."""
    if verdict.verdict == BETTER and spoken is not None:
        verdict = spoken
    sure = sessions_until_sure(
        differences, losses, rules.smallest_effect, rules.gate.horizon, rules.max_sessions
    )
    ahead = all((each.value or 0.0) > 0 for each in verdict.evidence if each.name.startswith("t_"))
    better = verdict.sessions_until_decidable if ahead else None
    # Tests that pass already wait for what no number of sessions is known to bring.
    candidates = [wait for wait in (better, sure) if wait]
    missing = rules.gate.dates_needed - verdict.dates
    return max(min(candidates), missing) if candidates else None
