"""What happened to models: events in, and out again; nothing is ever changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from src.core.model_events import ModelEvent
from src.core.tables import MODEL_EVENTS

if TYPE_CHECKING:
    import psycopg

# Every writer takes this lock, so that the order of ids is the order of commits.
AUDIT_LOCK = 7203003

_WRITTEN = tuple(name for name in MODEL_EVENTS.columns if name != "event_id")
_INSERT = (
    f"INSERT INTO model_events ({', '.join(_WRITTEN)}) "  # noqa: S608 declared names
    f"VALUES ({', '.join(f'%({name})s' for name in _WRITTEN)})"
)
_CHOSEN = (
    "(%(tickers)s::text[] IS NULL OR ticker = ANY(%(tickers)s)) "
    "AND (%(until)s::timestamptz IS NULL OR at <= %(until)s)"
)
_COLUMNS = ", ".join(MODEL_EVENTS.columns)
_NEWEST = (
    f"(SELECT DISTINCT ON (ticker, horizon) {_COLUMNS} FROM model_events "  # noqa: S608
    f"WHERE {{}} AND {_CHOSEN} ORDER BY ticker, horizon, event_id DESC)"
)
_DECISIVE = " UNION ".join(
    _NEWEST.format(which)
    for which in (
        "made_live",
        "kind IN ('pinned', 'unpinned', 'promoted') AND (kind <> 'promoted' OR made_live)",
    )
)


class EventLog:
    """The table ``model_events`` over an open autocommit connection."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One transaction, the only one that writes events until it ends."""
        with self._connection.transaction():
            self._connection.execute("SELECT pg_advisory_xact_lock(%s)", (AUDIT_LOCK,))
            yield

    def append(self, events: Sequence[ModelEvent]) -> None:
        """Store all events, in this order, or none."""
        from psycopg.types.json import Jsonb

        rows = [
            {name: getattr(one, name) for name in _WRITTEN} | {"evidence": Jsonb(one.evidence)}
            for one in events
        ]
        with self.alone(), self._connection.cursor() as cursor:
            cursor.executemany(_INSERT, rows)

    def events(
        self,
        tickers: Sequence[str] | None = None,
        until: dt.datetime | None = None,
        newest: int | None = None,
    ) -> list[ModelEvent]:
        """Events in the order of writing: of all tickers, of all times, unless told otherwise.

        ``newest`` keeps that many from the end.
        """
        found = self._found(
            f"SELECT {_COLUMNS} FROM model_events WHERE {_CHOSEN} "  # noqa: S608 declared names
            "ORDER BY event_id DESC LIMIT %(newest)s",
            {"tickers": _listed(tickers), "until": until, "newest": newest},
        )
        return found[::-1]

    def decisive(
        self, tickers: Sequence[str] | None = None, until: dt.datetime | None = None
    ) -> list[ModelEvent]:
        """The few events that say what is live and what is pinned, in the order of writing.

        ``live_states`` makes the same of them as of all events.
        """
        return self._found(
            f"{_DECISIVE} ORDER BY event_id", {"tickers": _listed(tickers), "until": until}
        )

    def tagged(self, version_tag: str) -> list[ModelEvent]:
        """Every event that names a version, in the order of writing."""
        return self._found(
            f"SELECT {_COLUMNS} FROM model_events WHERE version_tag = %(tag)s "  # noqa: S608
            "ORDER BY event_id",
            {"tag": version_tag},
        )

    def _found(self, sql: str, parameters: dict[str, Any]) -> list[ModelEvent]:
        names = tuple(MODEL_EVENTS.columns)
        rows = self._connection.execute(sql, parameters).fetchall()
        return [ModelEvent(**dict(zip(names, row, strict=True))) for row in rows]


def _listed(tickers: Sequence[str] | None) -> list[str] | None:
    return None if tickers is None else list(tickers)
