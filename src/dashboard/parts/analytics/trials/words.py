"""Say how a trial stands, what it rests on, and what to do next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from src.core.calendars.calendar import Calendar
from src.core.trials import Trial
from src.dashboard import wording
from src.db.pages.trials import Look, NewestEvent, Split, TrialState

# A symbol and words for every state, so that none rests on its colour.
STATES = {
    "running": "● running",
    "better": "▲ ended: better",
    "equivalent": "≈ ended: equivalent",
    "worse": "▼ ended: worse",
    "ran_out": "– ended: ran out",
    "stopped": "■ stopped",
    "promoted": "▲ promoted",
}
LOSSES = {"absolute": "error", "squared": "squared error"}
COMMAND = "python -m mlops.trials"
SIGNED = "--author NAME --reason TEXT"
NO_TRIAL = (
    "No trial is registered. A trial compares a challenger with what is served on forecasts made "
    f"after its registration: `{COMMAND} register --pool NSE --horizon short --challenger ridge "
    f"{SIGNED}`."
)
HASH = 12


def state(trial: TrialState) -> str:
    """Symbol and word of how a trial stands."""
    return STATES[trial.decided.kind if trial.decided else "running"]


def challenger(trial: Trial) -> str:
    """Such as ``ridge``, ``ridge with refit_every 21`` or ``model a1b2c3d4e5f6``."""
    if trial.is_model_set:
        return f"model {trial.challenger[:HASH]}"
    settings = ", ".join(f"{name} {value}" for name, value in sorted(trial.settings.items()))
    return f"{wording.model(trial.challenger)}{f' with {settings}' if settings else ''}"


def reference(trial: Trial) -> str:
    """What the challenger is compared with."""
    return "the live model" if trial.reference == "live" else "“no change”"


def label(trial: Trial) -> str:
    """A trial in one line that no other has, as it also stands in the address."""
    place = f"{trial.pool} {trial.sessions} ahead"
    return f"{challenger(trial)} against {reference(trial)}, {place}, {trial.hash[:HASH]}"


def headline(trial: TrialState, evidence: Mapping[str, Any]) -> str:
    """How it stands in one sentence; ``evidence`` is of its newest look, which has the numbers."""
    if trial.decided is None:
        return f"{STATES['running'][0]} {_so_far(trial.trial, evidence)}"
    return f"{STATES[trial.decided.kind][0]} {_ended(trial.trial, trial.decided)}"


def _so_far(trial: Trial, evidence: Mapping[str, Any]) -> str:
    who, against = f"The {challenger(trial)} challenger", reference(trial)
    gain, low, high = (evidence.get(name) for name in ("gain", "low", "high"))
    if gain is None:
        return f"{who} has not been compared with {against} yet"
    if not round(gain, 6):
        return f"{who} has been as good as {against} so far"
    so_far = f"{who} has been {'better' if gain > 0 else 'worse'} than {against} so far"
    if low is None or high is None or low <= 0 <= high:
        return f"{so_far}, which could be chance"
    return f"{so_far}, more than chance explains, but the gate asks for more"


def _ended(trial: Trial, event: NewestEvent) -> str:
    who, against = f"the {challenger(trial)} challenger", reference(trial)
    why = wording.plain(event.reason.rstrip("."))
    by = f"by {wording.plain(event.author)} because: {why}"
    return {
        "better": f"Ended: {who} has been better than {against}",
        "equivalent": f"Ended: {who} and {against} have done equally well",
        "worse": f"Ended: {who} has been worse",
        "ran_out": f"Ended: {who} ran out of sessions, and nothing is decided",
        "stopped": f"Stopped {by}",
        "promoted": f"Promoted {by}",
    }[event.kind]


def failure(event: NewestEvent, times: int) -> str:
    """Why the challenger's forecast failed last, and at how many sessions it has."""
    at = f" at {wording.day(event.session)}" if event.session else ""
    return (
        f"✕ **The challenger's forecast failed{at}**: {wording.plain(event.reason.rstrip('.'))}. "
        f"It has failed at {wording.count(times, 'session')}; what is served is not affected."
    )


def progress(
    trial: TrialState, looks: Sequence[Look], calendar: Calendar | None, now: dt.datetime
) -> str:
    """How many sessions have outcomes, of how many, and when it is looked at next.

    Args:
        trial: Running or not.
        looks: At it, ascending.
        calendar: Of its pool; None where it is not known.
        now: An aware time.
    """
    most = wording.count(trial.trial.max_sessions, "session")
    done = f"**{trial.outcomes:,} of at most {most}** had outcomes when it was looked at last"
    if looks:
        done = f"{done}, {wording.moment(looks[-1].at)}"
    else:
        done = f"It has not been looked at yet; it takes at most {most} with outcomes"
    if trial.decided is not None or calendar is None:
        return f"{done}."
    return f"{done}. {_next_look(trial, looks, calendar, now)}"


def _next_look(
    trial: TrialState, looks: Sequence[Look], calendar: Calendar, now: dt.datetime
) -> str:
    """About when it is: once so many more sessions have outcomes."""
    frozen = trial.trial
    more = min(frozen.look_every, max(frozen.max_sessions - trial.outcomes, 1))
    before = looks[-1].session if looks else calendar.last_closed(frozen.registered_at)
    day = calendar.ahead(before, more + frozen.sessions)
    which = "next" if looks else "first"
    if day <= calendar.last_closed(now):
        return (
            f"The {which} look was to come about {wording.day(day)}: a run of the pipeline takes "
            f"it once {wording.count(more, 'more session')} have outcomes."
        )
    return (
        f"The {which} look comes about {wording.day(day)}, with the outcomes of "
        f"{wording.count(more, 'more session')}."
    )


def answers(split: Split) -> str:
    """To how many clients of the API the challenger answers, and who decided that."""
    return (
        f"**{wording.percent(split.share, 0)} of the API's clients** are answered by the "
        f"challenger since {wording.moment(split.at)}, by {wording.plain(split.author)}: "
        f"{wording.plain(split.reason.rstrip('.'))}."
    )


def facts(trial: TrialState) -> list[str]:
    """What was registered, line by line, in markdown."""
    frozen = trial.trial
    who, why = wording.plain(frozen.author), wording.plain(frozen.reason.rstrip("."))
    of = f"{len(frozen.tickers):,} of its stocks" if frozen.tickers else "all of its stocks"
    effect = wording.percent(frozen.smallest_effect)
    counted = wording.count(frozen.configurations, "configuration")
    return [
        f"**Registered** {wording.moment(frozen.registered_at)} by {who}: {why}.",
        f"**Compared**: {LOSSES[frozen.loss]}s of forecasts of {wording.plain(frozen.pool)}, "
        f"{of}, {wording.ahead(frozen.sessions)} ahead; less than {effect} is too small to matter.",
        f"**Counts as** {counted} tried in three years: the more were tried, the more the gate "
        "asks.",
        f"**Hash** `{frozen.hash}`",
    ]


def next_step(trial: TrialState) -> tuple[str, str]:
    """What to do next, and the command for it."""
    short = trial.trial.hash[:HASH]
    kind = trial.decided.kind if trial.decided else "running"
    if kind == "running":
        then = "makes it live" if trial.trial.promotes else "leaves the decision to you"
        return (
            f"Nothing: every run forecasts and looks by itself, and “better” {then}. To end it:",
            f"{COMMAND} stop {short} {SIGNED}",
        )
    if kind == "better":
        return "Serve the challenger, if you agree:", f"{COMMAND} promote {short} {SIGNED}"
    if kind == "promoted":
        return (
            "The challenger is live, pinned until another trial is promoted, a rollback or an "
            "unpin. Should it do harm, go back to a version from before:",
            "python -m mlops.monitoring version --list",
        )
    return (
        "Nothing: what is served stays. Everything that was registered and decided:",
        f"{COMMAND} show {short}",
    )
