"""Append to and read the log of model events; nothing in it is ever changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from src.core.model_events import ModelEvent, Pair
from src.core.tables import MODEL_EVENTS
from src.db import sql

if TYPE_CHECKING:
    import psycopg

# Every writer takes this lock, so that the order of ids is the order of commits.
AUDIT_LOCK = 7203003

_VALUES = sql.placeholders(MODEL_EVENTS, leave_out=("event_id",))
_INSERT = sql.insert(MODEL_EVENTS, _VALUES)
_COLUMNS = sql.names(MODEL_EVENTS.columns)
_SELECT = f"SELECT {_COLUMNS} FROM model_events"  # noqa: S608 declared names
_CHOSEN = (
    "(%(tickers)s::text[] IS NULL OR ticker = ANY(%(tickers)s)) "
    "AND (%(until)s::timestamptz IS NULL OR at <= %(until)s)"
)
_EVENTS = f"{_SELECT} WHERE {_CHOSEN} ORDER BY event_id DESC LIMIT %(newest)s"
_TAGGED = f"{_SELECT} WHERE version_tag = %(tag)s ORDER BY event_id"
_NEWEST = (
    f"(SELECT DISTINCT ON (ticker, horizon) {_COLUMNS} FROM model_events "  # noqa: S608
    f"WHERE {{}} AND {_CHOSEN} ORDER BY ticker, horizon, event_id DESC)"
)
# Events that begin or end a pin.
PINNING = "kind IN ('pinned', 'unpinned', 'promoted') AND (kind <> 'promoted' OR made_live)"
_DECISIVE = " UNION ".join(_NEWEST.format(condition) for condition in ("made_live", PINNING))
_LAST_TRAINED = (
    f"{_SELECT} WHERE ticker = %(ticker)s AND horizon = %(horizon)s AND kind = 'trained' "
    "ORDER BY event_id DESC LIMIT 1"
)


class EventLog:
    """The table ``model_events`` over an open autocommit connection."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """One transaction, during which nobody else writes events."""
        with self._connection.transaction():
            self._connection.execute("SELECT pg_advisory_xact_lock(%s)", (AUDIT_LOCK,))
            yield

    def append(self, events: Sequence[ModelEvent]) -> None:
        """Store all events, in this order, or none."""
        from psycopg.types.json import Jsonb

        rows = [
            {name: getattr(event, name) for name in _VALUES} | {"evidence": Jsonb(event.evidence)}
            for event in events
        ]
        with self.exclusive(), self._connection.cursor() as cursor:
            cursor.executemany(_INSERT, rows)

    def events(
        self,
        tickers: Sequence[str] | None = None,
        until: dt.datetime | None = None,
        newest: int | None = None,
    ) -> list[ModelEvent]:
        """Events in the order of writing; by default of all tickers and all times.

        Args:
            tickers: Only events of these.
            until: Only events up to this time.
            newest: How many to return, counted from the end.
        """
        chosen = {"tickers": _listed(tickers), "until": until, "newest": newest}
        return self._read(_EVENTS, chosen)[::-1]

    def decisive(
        self, tickers: Sequence[str] | None = None, until: dt.datetime | None = None
    ) -> list[ModelEvent]:
        """The few events that decide what is live and what is pinned, in the order of writing.

        ``src.registry.lifecycle.state`` derives the same state from these as from all events.
        """
        chosen = {"tickers": _listed(tickers), "until": until}
        return self._read(f"{_DECISIVE} ORDER BY event_id", chosen)

    def last_trained(self, pair: Pair) -> ModelEvent | None:
        """The event of the newest training of a ticker and horizon, live or not."""
        events = self._read(_LAST_TRAINED, {"ticker": pair[0], "horizon": pair[1]})
        return events[0] if events else None

    def digests(self) -> frozenset[str]:
        """The digests of all sets that any event is about."""
        rows = self._connection.execute("SELECT DISTINCT digest FROM model_events").fetchall()
        return frozenset(digest for (digest,) in rows)

    def version_tags(self) -> set[str]:
        """The tags of all versions that were ever made."""
        rows = self._connection.execute(
            "SELECT DISTINCT version_tag FROM model_events "
            "WHERE kind = 'versioned' AND version_tag IS NOT NULL"
        ).fetchall()
        return {tag for (tag,) in rows}

    def tagged(self, version_tag: str) -> list[ModelEvent]:
        """Every event of a version, in the order of writing."""
        return self._read(_TAGGED, {"tag": version_tag})

    def _read(self, query: str, parameters: dict[str, Any]) -> list[ModelEvent]:
        from psycopg.rows import class_row

        with self._connection.cursor(row_factory=class_row(ModelEvent)) as cursor:
            return cursor.execute(query, parameters).fetchall()


def _listed(tickers: Sequence[str] | None) -> list[str] | None:
    return None if tickers is None else list(tickers)
