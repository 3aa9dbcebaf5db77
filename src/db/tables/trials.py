"""Append to and read the register of trials and what happened to them; nothing is ever changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from src.core.errors import DatabaseRefused
from src.core.tables import TRIAL_EVENTS, TRIALS
from src.core.tickers import quoted
from src.core.trials import ENDINGS, NoTrial, Trial, TrialEvent
from src.db import sql

if TYPE_CHECKING:
    import psycopg

# Held while a trial is registered or ends, so that no two of them overlap.
TRIALS_LOCK = 7203009
SHORTEST_PREFIX = 6

_TRIAL = sql.placeholders(TRIALS)
_REGISTER = sql.insert(TRIALS, _TRIAL)
_EVENT = sql.placeholders(TRIAL_EVENTS, leave_out=("event_id",))
_ADD = f"{sql.insert(TRIAL_EVENTS, _EVENT)} ON CONFLICT DO NOTHING RETURNING event_id"
_SELECT = f"SELECT {sql.names(TRIALS.columns)} FROM trials t"  # noqa: S608 declared names
_OF_POOL = "(%(pool)s::text IS NULL OR pool = %(pool)s)"
_ORDER = "ORDER BY registered_at, hash"
_RUNNING = (
    "NOT EXISTS (SELECT FROM trial_events e WHERE e.hash = t.hash AND e.kind = ANY(%(endings)s))"
)
_EVENT_COLUMNS = sql.names(TRIAL_EVENTS.columns)
_WITHOUT_EVIDENCE = sql.names(name for name in TRIAL_EVENTS.columns if name != "evidence")
_OUTLINE = "evidence - 'sequence' - 'criteria' AS evidence"


class TrialLog:
    """The tables ``trials`` and ``trial_events`` over an open autocommit connection."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """One transaction, during which nobody else registers or ends trials."""
        with self._connection.transaction():
            self._connection.execute("SELECT pg_advisory_xact_lock(%s)", (TRIALS_LOCK,))
            yield

    def register(self, trial: Trial) -> None:
        """Store a trial; what it needs of the others is checked by the caller, who is alone."""
        from psycopg.types.json import Jsonb

        values = {name: getattr(trial, name) for name in _TRIAL}
        lists = {"settings": Jsonb(dict(trial.settings)), "tickers": list(trial.tickers)}
        self._connection.execute(_REGISTER, values | lists)

    def trials(self, pool: str | None = None) -> list[Trial]:
        """All trials, or those of a pool, in the order of registration.

        Raises:
            DatabaseRefused: A row was changed after it was registered.
        """
        return self._read(f"{_SELECT} WHERE {_OF_POOL} {_ORDER}", {"pool": pool})

    def running(self, pool: str | None = None) -> list[Trial]:
        """Those of ``trials`` that have not ended.

        Raises:
            DatabaseRefused: A row was changed after it was registered.
        """
        query = f"{_SELECT} WHERE {_OF_POOL} AND {_RUNNING} {_ORDER}"
        return self._read(query, {"pool": pool, "endings": list(ENDINGS)})

    def find(self, prefix: str) -> Trial:
        """The trial whose hash begins so.

        Raises:
            NoTrial: There is none, or there are several, or it is too short.
            DatabaseRefused: Its row was changed after it was registered.
        """
        text = prefix.strip().lower()
        if len(text) < SHORTEST_PREFIX:
            raise NoTrial(
                f"{quoted(prefix)} is too short for a trial's hash: give at least its first "
                f"{SHORTEST_PREFIX} characters, as `python -m mlops.trials list` shows them."
            )
        found = self._read(f"{_SELECT} WHERE starts_with(hash, %(text)s) {_ORDER}", {"text": text})
        if len(found) > 1:
            raise NoTrial(f"{len(found)} trials begin with {quoted(prefix)}: give more of it.")
        if not found:
            raise NoTrial(
                f"There is no trial {quoted(prefix)}: `python -m mlops.trials list` shows all."
            )
        return found[0]

    def add_event(self, event: TrialEvent) -> bool:
        """Store an event; False where it was there: an ending, or its kind at the same session."""
        from psycopg.types.json import Jsonb

        values = {name: getattr(event, name) for name in _EVENT}
        values["evidence"] = Jsonb(dict(event.evidence))
        return self._connection.execute(_ADD, values).fetchone() is not None

    def events(self, trial_hash: str | None = None, *, series: bool = True) -> list[TrialEvent]:
        """Events of a trial, or of all, in the order of writing.

        Without ``series`` what a look stored of every session is left out of its evidence.
        """
        from psycopg.rows import class_row

        columns = _EVENT_COLUMNS if series else f"{_WITHOUT_EVIDENCE}, {_OUTLINE}"
        query = (
            f"SELECT {columns} FROM trial_events "  # noqa: S608 declared names
            "WHERE %(hash)s::text IS NULL OR hash = %(hash)s ORDER BY event_id"
        )
        with self._connection.cursor(row_factory=class_row(TrialEvent)) as cursor:
            return cursor.execute(query, {"hash": trial_hash}).fetchall()

    def challenger_set(self, trial_hash: str) -> str | None:
        """The digest of the newest model set of a challenger; None before the first.

        Of a trial that runs, or that ended better and is not promoted yet.
        """
        query = "SELECT digest FROM trial_challengers WHERE hash = %s"
        row = self._connection.execute(query, (trial_hash,)).fetchone()
        return row[0] if row else None

    def pool_features(self, pool: str) -> dict[str, str]:
        """The version of the stored features of each ticker of a pool, by ticker."""
        query = "SELECT ticker, features_version FROM pool_members WHERE pool = %s ORDER BY ticker"
        return dict(self._connection.execute(query, (pool,)).fetchall())

    def _read(self, query: str, parameters: dict[str, Any]) -> list[Trial]:
        from psycopg.rows import dict_row

        with self._connection.cursor(row_factory=dict_row) as cursor:
            return [_trial(row) for row in cursor.execute(query, parameters).fetchall()]


def _trial(row: dict[str, Any]) -> Trial:
    stored = row.pop("hash")
    trial = Trial(**row | {"tickers": tuple(row["tickers"])})
    if trial.hash != stored:
        raise DatabaseRefused(
            f"The trial {stored[:12]} is not what was registered: its row was changed in the "
            "database, so restore the table from a backup."
        )
    return trial
