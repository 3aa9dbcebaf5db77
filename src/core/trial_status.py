"""Say how a trial stands, from what was registered and what happened since."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from src.core.trials import ENDINGS, FAILED, LOOKED, PROMOTED, STOPPED, Trial, TrialEvent

RUNNING = "running"
UNDECIDED = "undecided"


@dataclass(frozen=True)
class TrialStatus:
    """How a trial stands.

    Attributes:
        state: ``running``, one of ``ENDINGS``, or ``promoted`` once its challenger was made live.
        verdict: Of the newest look; ``none`` before the first.
        looks: How many there were.
        sessions: With outcomes of both, at the newest look.
        sentence: Of the ending, else of the newest look, else that there was none yet.
        sessions_needed: How many more it may take until it is decided; None where nobody knows.
        failures: Forecasts of the challenger that failed.
        ended_at: When it ended, if it did; an aware time.
    """

    trial: Trial
    state: str
    verdict: str
    looks: int
    sessions: int
    sentence: str
    sessions_needed: int | None
    failures: int
    ended_at: dt.datetime | None

    def as_json(self) -> dict[str, Any]:
        """The trial and how it stands in types of JSON; times in UTC."""
        ended = self.ended_at
        return {
            "hash": self.trial.hash,
            **self.trial.as_json(),
            "state": self.state,
            "verdict": self.verdict,
            "looks": self.looks,
            "sessions_with_outcomes": self.sessions,
            "sentence": self.sentence,
            "sessions_needed": self.sessions_needed,
            "failures": self.failures,
            "ended_at": ended.astimezone(dt.UTC).isoformat() if ended else None,
        }

    @property
    def estimate(self) -> str:
        """How many sessions more it may take, of a trial that runs undecided; else empty."""
        if self.state != RUNNING or self.sessions_needed is None:
            return ""
        many = "session" if self.sessions_needed == 1 else "sessions"
        return f"undecided: at this effect about {self.sessions_needed} more {many}"


def status_of(trial: Trial, events: Iterable[TrialEvent]) -> TrialStatus:
    """How a trial stands after its events, in the order of writing."""
    of_trial = [event for event in events if event.hash == trial.hash]
    looks = [event for event in of_trial if event.kind in (LOOKED, *ENDINGS) and event.session]
    ending = next((event for event in of_trial if event.kind in ENDINGS), None)
    is_promoted = any(event.kind == PROMOTED for event in of_trial)
    last = looks[-1] if looks else None
    evidence = last.evidence if last else {}
    return TrialStatus(
        trial,
        state=PROMOTED if is_promoted else ending.kind if ending else RUNNING,
        verdict=_verdict(last),
        looks=len(looks),
        sessions=evidence.get("sessions") or 0,
        sentence=_sentence(trial, ending or last),
        sessions_needed=evidence.get("sessions_needed"),
        failures=sum(event.kind == FAILED for event in of_trial),
        ended_at=ending.at if ending else None,
    )


def statuses(trials: Sequence[Trial], events: Iterable[TrialEvent]) -> list[TrialStatus]:
    """How each of several trials stands."""
    by_hash: dict[str, list[TrialEvent]] = {}
    for event in events:
        by_hash.setdefault(event.hash, []).append(event)
    return [status_of(trial, by_hash.get(trial.hash, ())) for trial in trials]


def _verdict(look: TrialEvent | None) -> str:
    if look is None:
        return "none"
    return UNDECIDED if look.kind == LOOKED else look.kind


def _sentence(trial: Trial, event: TrialEvent | None) -> str:
    if event is None:
        return f"Not looked at yet: the first look is after {trial.look_every} sessions."
    return f"Stopped by {event.author}: {event.reason}" if event.kind == STOPPED else event.reason
