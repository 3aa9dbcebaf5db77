"""Write trials and what happened to them as plain tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from src.core.trial_status import RUNNING, TrialStatus
from src.core.trials import LOOKED, SPLIT, Trial, TrialEvent
from src.stages.tables import aligned

HEADINGS = ("trial", "pool", "challenger", "against", "state", "verdict", "looks", "sessions")
EVENTS = ("at", "event", "session", "by", "sessions")
NONE_YET = "No trial is registered: `python -m mlops.trials register` puts a challenger on trial."


def registered_text(trial: Trial) -> str:
    """What was registered, and what follows from it."""
    number, place = trial.configurations, f"{trial.pool} {trial.horizon}"
    of = "" if number == 1 else f" of the last three years at {trial.pool}"
    name, begin = trial.challenger, "It is fitted when its pool is trained next, and each run"
    if trial.is_model_set:
        name, begin = f"model set {trial.challenger[:12]}", "Each run"
    since = "now" if trial.is_model_set else "then"
    return (
        f"Trial {trial.hash[:12]} is registered: {name} against {trial.reference} at {place}, "
        f"configuration number {number}{of}. {begin} forecasts with it from {since} on; what is "
        "answered stays as it is."
    )


def trials_text(found: Sequence[TrialStatus], *, everything: bool) -> str:
    """A table with the sentence of each trial's last look below it; by default of running ones."""
    shown = [status for status in found if everything or status.state == RUNNING]
    left_out = len(found) - len(shown)
    lines = _with_sentences(shown) if shown else []
    if not found:
        lines.append(NONE_YET)
    elif left_out:
        are = "trial has" if left_out == 1 else "trials have"
        lines.append(f"{left_out} {are} ended: --all lists them too.")
    return "\n".join(lines)


def trial_text(status: TrialStatus, events: Sequence[TrialEvent]) -> str:
    """What was registered, how it stands, and what happened."""
    trial = status.trial
    facts = [
        ("trial", trial.hash),
        ("compares", f"{_challenger(trial)} with {trial.reference}"),
        ("at", f"{trial.pool} {trial.horizon}, {_many(trial.sessions, 'session')} ahead"),
        ("of", ", ".join(trial.tickers) or "the whole pool"),
        ("settings", ", ".join(f"{name}={value}" for name, value in trial.settings.items())),
        ("loss", f"{trial.loss}; a gain of {100 * trial.smallest_effect:g} % matters"),
        ("looks", f"every {_many(trial.look_every, 'session')}, at most {trial.max_sessions}"),
        ("when better", "goes live by itself" if trial.promotes else "a person promotes it"),
        ("registered", f"{_time(trial.registered_at)} by {trial.author}: {trial.reason}"),
        ("counts as", f"configuration {trial.configurations} of the last three years"),
        ("state", _state(status)),
        ("answers", _answers(status, events)),
        ("outcomes", f"of {_many(status.sessions, 'session')}, {_many(status.looks, 'look')}"),
        ("", status.sentence),
        ("", status.estimate),
    ]
    lines = [f"{name:<12}{text}" for name, text in facts if text]
    if events:
        lines += ["", *aligned([EVENTS, *map(_event_row, events)], str.ljust)]
    return "\n".join(lines)


def _with_sentences(shown: Sequence[TrialStatus]) -> list[str]:
    head, *rows = aligned([HEADINGS, *map(_row, shown)], str.ljust)
    lines = [head]
    for row, status in zip(rows, shown, strict=True):
        lines += [row, f"    {status.sentence}"]
        if status.estimate:
            lines.append(f"    {status.estimate[:1].upper()}{status.estimate[1:]}.")
    return lines


def _row(status: TrialStatus) -> list[str]:
    trial = status.trial
    return [
        trial.hash[:12],
        f"{trial.pool} {trial.horizon}",
        _challenger(trial),
        trial.reference,
        _words(status.state),
        _words(status.verdict),
        str(status.looks),
        f"{status.sessions} of {trial.max_sessions}",
    ]


def _event_row(event: TrialEvent) -> list[str]:
    sessions = event.evidence.get("sessions")
    kind = "looked, undecided" if event.kind == LOOKED else _words(event.kind)
    if event.kind == SPLIT:
        kind = f"split {_percent(event)}"
    session = str(event.session) if event.session else "-"
    return [
        _time(event.at),
        kind,
        session,
        event.author,
        "-" if sessions is None else str(sessions),
    ]


def _answers(status: TrialStatus, events: Sequence[TrialEvent]) -> str:
    """Whom the challenger answers; empty where it answers nobody."""
    splits = [event for event in events if event.kind == SPLIT]
    if status.state != RUNNING or not splits or not splits[-1].evidence["share"]:
        return ""
    return f"{_percent(splits[-1])} of the API's clients, since {_time(splits[-1].at)}"


def _percent(event: TrialEvent) -> str:
    return f"{100 * event.evidence['share']:g} %"


def _state(status: TrialStatus) -> str:
    since = f" since {_time(status.ended_at)}" if status.ended_at else ""
    failed = f"; {_many(status.failures, 'forecast')} failed" if status.failures else ""
    return f"{_words(status.state)}{since}{failed}"


def _challenger(trial: Trial) -> str:
    return trial.challenger[:12] if trial.is_model_set else trial.challenger


def _words(kind: str) -> str:
    return kind.replace("_", " ")


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"


def _time(at: dt.datetime) -> str:
    return f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"
