"""A trial: a challenger and a reference, frozen before the first forecast that compares them."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

from src.core.errors import BadInput
from src.core.tickers import quoted

REFERENCES = ("live", "zero")
LOSSES = ("absolute", "squared")
# How a trial can end, once; the last by a person, the others by a look.
BETTER, STOPPED = "better", "stopped"
ENDINGS = (BETTER, "equivalent", "worse", "ran_out", STOPPED)
# A look without an ending; a challenger's forecast that failed; that its model was made live; that
# a share of requests is answered by it.
LOOKED, FAILED, PROMOTED, SPLIT = "looked", "failed", "promoted", "split"
EVENT_KINDS = (*ENDINGS, LOOKED, FAILED, PROMOTED, SPLIT)

SMALLEST_EFFECTS = (0.0001, 0.5)
# Where none is stated, by horizon: at one session no candidate known gains as much as .005.
USUAL_EFFECTS = {"short": 0.0005, "long": 0.005}
LOOKS_EVERY = (1, 252)
LENGTHS = (250, 2520)
MAX_TEXT = 500
# One line that begins with a character that can be seen.
LINE = re.compile(r"[^\x00-\x20\x7f-\xa0\u2028\u2029][^\x00-\x1f\x7f-\x9f\u2028\u2029]*")
# Trials of so many years before count as tried for the same place.
YEARS_COUNTED = 3
MODEL_SET = re.compile("[0-9a-f]{64}")


class TrialRefused(BadInput):
    """A trial cannot be registered, stopped or promoted so."""


class TrialConflict(BadInput):
    """Another trial, or how this one ended, forbids what was asked for."""


class NoTrial(BadInput):
    """There is no trial of that hash."""


@dataclass(frozen=True)
class Trial:
    """What was registered, and stays as it is.

    Attributes:
        pool: Whose forecasts are compared, such as ``NSE``.
        horizon: ``short`` or ``long``.
        sessions: How far ahead that is, as the settings had it.
        challenger: The name of a candidate, or the digest of a stored model set.
        settings: Training settings that a candidate is fitted with instead of the installation's.
        reference: ``live`` for the model that is live at each session, or ``zero``.
        tickers: Sorted; empty for the whole pool.
        loss: ``absolute`` or ``squared``: of the confidence sequence; the gate asks both.
        smallest_effect: The smallest relative gain in the mean loss that matters; .005 is 0.5 %.
        look_every: Sessions with new outcomes from one look to the next; there is one at the end.
        max_sessions: Sessions with outcomes after which it has run out.
        promotes: Whether "better" makes the challenger live; else a person does.
        author: Who registered it, and ``reason`` why.
        registered_at: An aware time.
        configurations: This one and those registered for the same pool and horizon in the
            ``YEARS_COUNTED`` years before, stopped or not.
    """

    pool: str
    horizon: str
    sessions: int
    challenger: str
    reference: str
    loss: str
    smallest_effect: float
    look_every: int
    max_sessions: int
    author: str
    reason: str
    registered_at: dt.datetime
    settings: Mapping[str, int] = field(default_factory=dict)
    tickers: tuple[str, ...] = ()
    promotes: bool = False
    configurations: int = 1

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the canonical JSON of all fields, in hexadecimal digits."""
        content = json.dumps(self.as_json(), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(content.encode()).hexdigest()

    @cached_property
    def candidate_version(self) -> str:
        """The ``version`` of the challenger's rows in ``predictions``; no set has this digest."""
        return hashlib.sha256(f"{self.hash}\n{self.challenger}".encode()).hexdigest()

    @property
    def is_model_set(self) -> bool:
        """Whether the challenger is a stored model set, not a candidate that is fitted."""
        return MODEL_SET.fullmatch(self.challenger) is not None

    def as_json(self) -> dict[str, Any]:
        """All fields in types of JSON; times in UTC."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return values | {
            "settings": dict(self.settings),
            "smallest_effect": float(self.smallest_effect),
            "tickers": list(self.tickers),
            "registered_at": self.registered_at.astimezone(dt.UTC).isoformat(),
        }


@dataclass(frozen=True)
class TrialEvent:
    """A row of ``trial_events``.

    Attributes:
        hash: Of the trial.
        at: An aware time.
        kind: One of ``EVENT_KINDS``.
        session: The newest session with outcomes that a look saw, or at which a forecast failed;
            None of what a person did.
        author: The run or the person that caused it.
        reason: Why, as one sentence.
        evidence: Of a look what it was decided on: ``sessions`` with outcomes, ``verdict``,
            ``sessions_needed``, and the numbers behind them.
        event_id: Ascending in the order of writing; 0 until stored.
    """

    hash: str
    at: dt.datetime
    kind: str
    author: str
    reason: str
    session: dt.date | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    event_id: int = 0

    def as_json(self) -> dict[str, Any]:
        """All fields but the hash in types of JSON; times in UTC."""
        return {
            "event_id": self.event_id,
            "at": self.at.astimezone(dt.UTC).isoformat(),
            "kind": self.kind,
            "session": str(self.session) if self.session else None,
            "author": self.author,
            "reason": self.reason,
            "evidence": dict(self.evidence),
        }


def count_configurations(trials: Iterable[Trial], pool: str, horizon: str, at: dt.datetime) -> int:
    """One, and as many more as trials were registered for the place in the years before ``at``."""
    year = at.year - YEARS_COUNTED
    is_leap_day = (at.month, at.day) == (2, 29)
    since = at.replace(year=year, day=28) if is_leap_day else at.replace(year=year)
    return 1 + sum(
        (trial.pool, trial.horizon) == (pool, horizon) and since <= trial.registered_at <= at
        for trial in trials
    )


def check_rules(trial: Trial) -> None:
    """Refuse values that no trial can have, whatever is stored.

    Raises:
        TrialRefused: One sentence with the value and what may be given.
    """
    _check_choice("reference", trial.reference, REFERENCES)
    _check_choice("loss", trial.loss, LOSSES)
    low, high = SMALLEST_EFFECTS
    if not low <= trial.smallest_effect <= high:
        raise TrialRefused(
            f"The smallest effect {trial.smallest_effect:g} is out of range: give a relative gain "
            f"between {low:g} and {high:g}, such as 0.005 for half a percent."
        )
    _check_range("sessions from look to look", trial.look_every, LOOKS_EVERY)
    _check_range("sessions at most", trial.max_sessions, LENGTHS)
    for name, text in (("author", trial.author), ("reason", trial.reason)):
        check_text(name, text)


def check_text(name: str, text: str) -> None:
    """Refuse an empty or overlong ``author`` or ``reason``, or one with control characters.

    Raises:
        TrialRefused: One sentence.
    """
    if not text.strip():
        raise TrialRefused(f"The {name} is missing: say who decides, and why.")
    if len(text) > MAX_TEXT or not LINE.fullmatch(text):
        raise TrialRefused(
            f"The {name} {quoted(text)} cannot be kept: give one line of at most {MAX_TEXT} "
            "characters."
        )


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise TrialRefused(f"There is no {name} {quoted(value)}: give {' or '.join(choices)}.")


def _check_range(name: str, value: int, limits: tuple[int, int]) -> None:
    low, high = limits
    if not low <= value <= high:
        raise TrialRefused(
            f"{value} {name} are out of range: give a number between {low} and {high}."
        )
