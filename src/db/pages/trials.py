"""What the analytics page reads of trials: how each stands, and what its looks measured."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.rows import class_row, scalar_row

from src.core.trials import ENDINGS, FAILED, LOOKED, PROMOTED, SPLIT, STOPPED, Trial
from src.db.tables.trials import TrialLog

if TYPE_CHECKING:
    import psycopg

# Trials that a page lists, and looks at one that it shows.
MOST, MOST_LOOKS = 200, 1_000
_NEWEST = """
SELECT DISTINCT ON (hash) event_id, hash, kind, at, author, reason, session FROM trial_events
WHERE kind = ANY(%s) ORDER BY hash, event_id DESC
"""
_OUTCOMES = """
SELECT hash, (evidence ->> 'sessions')::int FROM trial_events WHERE event_id = ANY(%s)
"""
# What a look measured lies with its event, whether it ended the trial or not.
_LOOKS = """
SELECT event_id, at, kind, session, e.* FROM (SELECT * FROM trial_events
    WHERE hash = %s AND kind = ANY(%s) ORDER BY event_id DESC LIMIT %s) newest
CROSS JOIN LATERAL jsonb_to_record(evidence) AS e (sessions int, gain float8, mean float8,
    low float8, high float8, scale float8)
ORDER BY event_id
"""
_EVIDENCE = """
SELECT evidence FROM trial_events
WHERE hash = %s AND kind = ANY(%s) ORDER BY event_id DESC LIMIT 1
"""
_SPLIT = """
SELECT at, author, reason, (evidence ->> 'share')::float8 AS share FROM trial_events
WHERE hash = %s AND kind = %s ORDER BY event_id DESC LIMIT 1
"""
_FAILURES = "SELECT count(*) FROM trial_events WHERE hash = %s AND kind = %s"
_LOOK_KINDS = [LOOKED, *(kind for kind in ENDINGS if kind != STOPPED)]


@dataclass(frozen=True)
class NewestEvent:
    """The newest event of some kinds of a trial; ``reason`` is its sentence."""

    event_id: int
    hash: str
    kind: str
    at: dt.datetime
    author: str
    reason: str
    session: dt.date | None


@dataclass(frozen=True)
class TrialState:
    """A registered trial with what has become of it.

    Attributes:
        decided: Its ending, or its promotion after that; None while it runs.
        failure: The newest forecast of the challenger that failed; None where none did.
        outcomes: Sessions with outcomes at its newest look; 0 before the first.
    """

    trial: Trial
    decided: NewestEvent | None
    failure: NewestEvent | None
    outcomes: int


@dataclass(frozen=True)
class Look:
    """What a look at a trial measured, of the sessions with outcomes until then.

    Attributes:
        kind: ``looked``, or the ending that it brought.
        session: The newest session with outcomes.
        sessions: How many have outcomes.
        gain: By how much the challenger's mean loss was smaller, as a share of the reference's.
        mean: Mean over sessions of the reference's loss less the challenger's.
        low: Lower end of its confidence sequence; None before it is defined.
        high: Upper end.
        scale: The reference's mean loss.
    """

    event_id: int
    at: dt.datetime
    kind: str
    session: dt.date
    sessions: int
    gain: float | None
    mean: float | None
    low: float | None
    high: float | None
    scale: float | None


@dataclass(frozen=True)
class Split:
    """Since when which share of the API's clients is answered by the challenger, and why."""

    at: dt.datetime
    author: str
    reason: str
    share: float


def trials(connection: psycopg.Connection[Any]) -> list[TrialState]:
    """The newest trials: those that run first, then the newest.

    Raises:
        DatabaseRefused: A row was changed after it was registered.
    """
    decided = _newest(connection, *ENDINGS, PROMOTED)
    failed = _newest(connection, FAILED)
    looked = [look.event_id for look in _newest(connection, *_LOOK_KINDS).values()]
    outcomes: dict[str, int] = dict(connection.execute(_OUTCOMES, (looked,)).fetchall())
    states = [
        TrialState(
            trial, decided.get(trial.hash), failed.get(trial.hash), outcomes.get(trial.hash, 0)
        )
        for trial in reversed(TrialLog(connection).trials())
    ]
    return sorted(states, key=lambda state: state.decided is not None)[:MOST]


def looks(connection: psycopg.Connection[Any], trial: str) -> list[Look]:
    """The newest looks at the trial of a hash, in their order."""
    with connection.cursor(row_factory=class_row(Look)) as cursor:
        return cursor.execute(_LOOKS, (trial, _LOOK_KINDS, MOST_LOOKS)).fetchall()


def newest_evidence(connection: psycopg.Connection[Any], trial: str) -> Mapping[str, Any]:
    """All that the newest look at a trial measured; empty before the first."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(_EVIDENCE, (trial, _LOOK_KINDS)).fetchone() or {}


def count_failures(connection: psycopg.Connection[Any], trial: str) -> int:
    """Sessions at which the challenger's forecast failed."""
    row = connection.execute(_FAILURES, (trial, FAILED)).fetchone()
    return int(row[0]) if row else 0


def newest_split(connection: psycopg.Connection[Any], trial: str) -> Split | None:
    """What was said last of how a trial's challenger answers clients; None if nothing was."""
    with connection.cursor(row_factory=class_row(Split)) as cursor:
        return cursor.execute(_SPLIT, (trial, SPLIT)).fetchone()


def _newest(connection: psycopg.Connection[Any], *kinds: str) -> dict[str, NewestEvent]:
    """The newest event of these kinds, by the hash of its trial."""
    with connection.cursor(row_factory=class_row(NewestEvent)) as cursor:
        return {row.hash: row for row in cursor.execute(_NEWEST, (list(kinds),)).fetchall()}
