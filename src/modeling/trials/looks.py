"""Look at the trials that are due, once outcomes have matured, and keep what each look saw."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from src.config import logs
from src.core.errors import one_line
from src.core.trials import BETTER, ENDINGS, LOOKED, TrialConflict, TrialEvent
from src.db.tables.trial_pairs import TrialPairs
from src.db.tables.trials import TrialLog
from src.modeling.trials.judging.evidence import TrialEvidence, trial_evidence
from src.modeling.trials.judging.judge import TrialVerdict, judge_trial, trial_rules
from src.modeling.trials.promote import promote
from src.modeling.trials.stored_challengers import running_trials
from src.registry.lifecycle.events import Author

if TYPE_CHECKING:
    from src.core.trials import Trial
    from src.stages.stage import RunContext

log = logs.get(__name__)

# Points of a sequence that an event keeps, the last among them: enough for a line on a page.
POINTS = 250


def look_at_trials(context: RunContext, pool: str) -> list[str]:
    """Judge each trial of a pool that is due; a look, or an ending, becomes an event.

    Returns:
        A sentence for each trial that could not be judged.
    """
    trials = running_trials(context, pool)
    if not trials:
        return []
    assert context.records is not None  # noqa: S101 there are trials
    connection = context.records.connection
    problems: list[str] = []
    for trial in trials:
        name = f"Trial {trial.hash[:12]} of pool {pool}"
        try:
            event = _look(context, trial)
            if event is None:
                continue
            is_promoted = event.kind == BETTER and trial.promotes
            problem = _end_and_promote(context, trial, event) if is_promoted else ""
            is_new = is_promoted or TrialLog(connection).add_event(event)
        except Exception as error:
            log.error(f"{name} was not judged.", exc_info=error, file_only=True)
            problems.append(f"{name} could not be judged: {one_line(error)}")
            continue
        if problem:
            problems.append(problem)
        if is_new and event.kind in ENDINGS:
            log.info(f"{name} has ended: {event.reason}")
    return problems


def _end_and_promote(context: RunContext, trial: Trial, event: TrialEvent) -> str:
    """End a trial and make its challenger live, in one step that a kill leaves undone as a whole.

    Returns:
        A sentence where it has ended and a person must promote; else an empty text.
    """
    assert context.records is not None and context.models is not None  # noqa: S101, PT018
    connection, author = context.records.connection, Author(context.run_id, context.now)
    reason = "it was registered to be promoted when it is better"
    try:
        promote(connection, context.models.store, trial, author, reason, ending=event)
    except TrialConflict as error:
        if TrialLog(connection).add_event(event):
            return f"Trial {trial.hash[:12]} ended better and was not promoted: {one_line(error)}"
    return ""


def is_due(trial: Trial, outcomes: int, seen: int) -> bool:
    """Whether a trial is looked at, by its sessions with outcomes now and at its last look."""
    new = outcomes - seen
    return new >= trial.look_every or (new > 0 and outcomes >= trial.max_sessions)


def _look(context: RunContext, trial: Trial) -> TrialEvent | None:
    """Judge a trial if it is due, and say what is to be kept of it; None without a look."""
    assert context.records is not None  # noqa: S101 there are trials
    connection = context.records.connection
    register, pairs = TrialLog(connection), TrialPairs(connection)
    outcomes = pairs.count_sessions(trial.candidate_version)
    if not is_due(trial, outcomes, _seen(register.events(trial.hash, series=False))):
        return None
    until = context.calendar.last_closed(context.now)
    evidence = trial_evidence(pairs, trial, context.calendar, until)
    if not np.isfinite(evidence.actual).any():
        return None
    rules = trial_rules(
        trial.sessions,
        smallest_effect=trial.smallest_effect,
        max_sessions=trial.max_sessions,
        configurations=trial.configurations,
        tickers=len(evidence.tickers),
        loss=trial.loss,
        min_mae_improvement=getattr(context.settings.validation.min_mae_improvement, trial.horizon),
    )
    verdict = judge_trial(
        evidence.actual, evidence.challenger, evidence.reference, evidence.sigma, rules
    )
    return TrialEvent(
        trial.hash,
        context.now,
        verdict.verdict if verdict.verdict in ENDINGS else LOOKED,
        context.run_id,
        verdict.reason,
        session=evidence.sessions[-1],
        evidence=look_evidence(evidence, verdict, outcomes),
    )


def _seen(events: Sequence[TrialEvent]) -> int:
    """Sessions with outcomes at the last look."""
    looks = [event for event in events if event.kind == LOOKED]
    return int(looks[-1].evidence["outcomes"]) if looks else 0


def look_evidence(evidence: TrialEvidence, verdict: TrialVerdict, outcomes: int) -> dict[str, Any]:
    """What a look was decided on, in types of JSON; a number that is not known is None.

    ``mean``, ``low`` and ``high`` are of the confidence sequence at this look, above zero where the
    challenger is better; ``scale`` is the reference's mean loss in the same unit.
    """
    paired = np.flatnonzero(np.isfinite(evidence.actual).any(axis=1))
    sequence = verdict.sequence
    shown = paired[_thinned(paired.size)]
    return {
        "sessions": verdict.gate.dates,
        "outcomes": outcomes,
        "first_session": evidence.sessions[paired[0]].isoformat(),
        "last_session": evidence.sessions[paired[-1]].isoformat(),
        "tickers": len(evidence.tickers),
        "gain": _number(verdict.gain),
        "scale": _number(verdict.scale),
        **{name: _number(part[-1]) for name, part in sequence._asdict().items()},
        "verdict": verdict.verdict,
        "reason": verdict.reason,
        "sessions_needed": verdict.sessions_needed,
        "criteria": [
            asdict(criterion) | {"value": _number(criterion.value)}
            for criterion in verdict.gate.evidence
        ],
        "n_eff": verdict.gate.n_eff,
        "level": 0.95,
        "sequence": {
            "session": [evidence.sessions[row].isoformat() for row in shown],
            **{
                name: [_number(part[row]) for row in shown]
                for name, part in sequence._asdict().items()
            },
        },
    }


def _thinned(count: int) -> np.ndarray:
    """At most ``POINTS`` places of so many, evenly, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, POINTS)).round().astype(np.int64))


def _number(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
