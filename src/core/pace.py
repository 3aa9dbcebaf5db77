"""Decide when a source may be asked: a budget that refills, and a pause after a refusal.

A request spends a token of the budget and never gives it back, so that a process which dies holds
none. After a refusal nobody asks until the pause is over; then one request tries, and its answer
opens the source for all.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

# A trial whose process has died keeps the others away for so long, in seconds.
TRIAL = 60.0
# How often others look whether the trial has been answered, in seconds.
LOOK = 1.0
# Pauses grow where a refusal follows the one before within so long; a source may ask for no more.
ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class PaceRules:
    """How a source may be asked.

    Attributes:
        burst: Requests that may follow one another at once.
        seconds_per_request: Seconds after which the budget has one more.
        longest_wait: Seconds that a run waits for its turn.
        first_pause: Seconds without requests after a refusal; each next one is twice as long.
        longest_pause: Seconds that a pause grows to.
        failures: So many failures in a row are a refusal.
    """

    burst: int
    seconds_per_request: float
    longest_wait: float
    first_pause: float
    longest_pause: float
    failures: int = 6


@dataclass(frozen=True)
class PaceState:
    """How a source stands.

    Attributes:
        tokens: Requests left at ``counted_at``; below 0 where some wait for their turn.
        failures: In a row.
        refusals: One after another.
        refused_at: When it last refused; None for never.
        resumes_at: When it may be asked again after a refusal; None once it has answered.
        trial_until: Until when the first request after a refusal may take; None without one.
    """

    tokens: float
    counted_at: dt.datetime
    failures: int = 0
    refusals: int = 0
    refused_at: dt.datetime | None = None
    resumes_at: dt.datetime | None = None
    trial_until: dt.datetime | None = None


@dataclass(frozen=True)
class Turn:
    """Whether a request may be sent.

    Attributes:
        granted: Whether it may, after ``wait`` seconds; else the next turn may be asked for then.
        is_trial: Whether it is the first one after a refusal.
        counts: Whether its answer changes anything for the others.
    """

    granted: bool
    wait: float
    is_trial: bool = False
    counts: bool = False


def take_turn(
    state: PaceState, rules: PaceRules, at: dt.datetime, requests: int = 1
) -> tuple[PaceState, Turn]:
    """The next turn at ``at``, an aware time, which spends ``requests`` of the budget."""
    if state.resumes_at is not None:
        return _take_trial(state, state.resumes_at, at)
    elapsed = max(0.0, (at - state.counted_at).total_seconds())
    tokens = min(float(rules.burst), state.tokens + elapsed / rules.seconds_per_request) - requests
    wait = max(0.0, -tokens) * rules.seconds_per_request
    if wait > rules.longest_wait:
        return state, Turn(granted=False, wait=wait)
    spent = replace(state, tokens=tokens, counted_at=max(at, state.counted_at))
    return spent, Turn(granted=True, wait=wait, counts=state.failures > 0)


def _take_trial(
    state: PaceState, resumes_at: dt.datetime, at: dt.datetime
) -> tuple[PaceState, Turn]:
    if at < resumes_at:
        return state, Turn(granted=False, wait=(resumes_at - at).total_seconds())
    if state.trial_until is not None and at < state.trial_until:
        return state, Turn(granted=False, wait=LOOK)
    taken = replace(state, trial_until=at + dt.timedelta(seconds=TRIAL))
    return taken, Turn(granted=True, wait=0.0, is_trial=True, counts=True)


def after_answer(state: PaceState, at: dt.datetime, *, is_trial: bool) -> PaceState:
    """The state after an answer; one to a request of before the refusal ends no pause."""
    if state.resumes_at is None:
        return replace(state, failures=0)
    if not is_trial:
        return state
    # Not as many at once again as it has just refused.
    return replace(state, tokens=0.0, counted_at=at, failures=0, resumes_at=None, trial_until=None)


def after_refusal(
    state: PaceState, rules: PaceRules, at: dt.datetime, seconds: float | None = None
) -> PaceState:
    """The state after a refusal; ``seconds`` are those that the source itself asks to wait.

    What is refused during a pause was sent before it, and is the same refusal.
    """
    if state.resumes_at is not None and at < state.resumes_at:
        return state
    is_next = state.refused_at is not None and at - state.refused_at <= ONE_DAY
    refusals = state.refusals + 1 if is_next else 1
    # A power beyond any pause would be no float.
    pause = min(rules.first_pause * 2.0 ** min(refusals - 1, 60), rules.longest_pause)
    pause = max(pause, min(seconds or 0.0, ONE_DAY.total_seconds()))
    return replace(
        state,
        failures=0,
        refusals=refusals,
        refused_at=at,
        resumes_at=at + dt.timedelta(seconds=pause),
        trial_until=None,
    )


def after_failure(
    state: PaceState, rules: PaceRules, at: dt.datetime, *, is_trial: bool
) -> PaceState:
    """The state after an answer that may be a refusal or the fault of one ticker."""
    if state.resumes_at is not None and not is_trial:
        return state
    failed = replace(state, failures=state.failures + 1, trial_until=None)
    return after_refusal(failed, rules, at) if failed.failures >= rules.failures else failed


def after_silence(state: PaceState, *, is_trial: bool) -> PaceState:
    """The state after a request without an answer, which says nothing of the pace."""
    return replace(state, trial_until=None) if is_trial else state
