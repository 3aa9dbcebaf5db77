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
# Either is NULL: events are about pools, those of before about tickers.
_OWNERS = ("pool", "ticker")
_COLUMNS = ", ".join(
    f"coalesce({name}, '') AS {name}" if name in _OWNERS else name for name in MODEL_EVENTS.columns
)
_SELECT = f"SELECT {_COLUMNS} FROM model_events"  # noqa: S608 declared names
_OWNED = (
    "(%(pools)s::text[] IS NULL OR pool = ANY(%(pools)s) "
    "OR pool IS NULL AND ticker = ANY(%(tickers)s::text[]))"
)
_UNTIL = "(%(until)s::timestamptz IS NULL OR at <= %(until)s)"
_EVENTS = f"{_SELECT} WHERE {_OWNED} AND {_UNTIL} ORDER BY event_id DESC LIMIT %(newest)s"
_TAGGED = f"{_SELECT} WHERE version_tag = %(tag)s ORDER BY event_id"
_NEWEST = (
    f"(SELECT DISTINCT ON (e.pool, e.ticker, e.horizon) {_COLUMNS} FROM model_events e "  # noqa: S608
    f"WHERE {{}} AND {_UNTIL} ORDER BY e.pool, e.ticker, e.horizon, event_id DESC)"
)
# Events that begin or end a pin.
PINNING = "kind IN ('pinned', 'unpinned', 'promoted') AND (kind <> 'promoted' OR made_live)"
# The migration of any pool ended what was live of single tickers.
_DECISIVE = " UNION ".join(
    _NEWEST.format(condition)
    for condition in (f"made_live AND {_OWNED}", f"{PINNING} AND {_OWNED}", "kind = 'migrated'")
)
_LAST = (
    f"{_SELECT} WHERE pool = %(pool)s AND horizon = %(horizon)s AND kind = %(kind)s "
    "ORDER BY event_id DESC LIMIT 1"
)

_DIGESTS = "SELECT DISTINCT digest FROM model_events"
# A database of an older schema, which is only backed up, has no trials.
_HAS_TRIALS = "SELECT to_regclass('trial_challengers') IS NOT NULL"
_OF_ALL_TRIALS = "SELECT digest FROM trial_challengers WHERE digest IS NOT NULL"
_OF_TRIALS = (
    "SELECT digest FROM trial_challengers WHERE pool = %s AND horizon = %s AND digest IS NOT NULL"
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
            {name: getattr(event, name) for name in _VALUES}
            | {name: getattr(event, name) or None for name in _OWNERS}
            | {"evidence": Jsonb(event.evidence)}
            for event in events
        ]
        with self.exclusive(), self._connection.cursor() as cursor:
            cursor.executemany(_INSERT, rows)

    def events(
        self,
        pools: Sequence[str] | None = None,
        tickers: Sequence[str] = (),
        *,
        until: dt.datetime | None = None,
        newest: int | None = None,
    ) -> list[ModelEvent]:
        """Events in the order of writing; by default of all pools and all times.

        Args:
            pools: Only events of these.
            tickers: And those of these tickers from before models belonged to pools.
            until: Only events up to this time.
            newest: How many to return, counted from the end.
        """
        return self._read(_EVENTS, {**_chosen(pools, tickers, until), "newest": newest})[::-1]

    def decisive(
        self,
        pools: Sequence[str] | None = None,
        tickers: Sequence[str] = (),
        *,
        until: dt.datetime | None = None,
    ) -> list[ModelEvent]:
        """The few events that decide what is live and what is pinned, in the order of writing.

        ``src.registry.lifecycle.state`` derives the same state from these as from all ``events``
        of the same arguments and the migrations of all pools.
        """
        return self._read(f"{_DECISIVE} ORDER BY event_id", _chosen(pools, tickers, until))

    def last(self, pair: Pair, kind: str) -> ModelEvent | None:
        """The newest event of a kind of a pool and horizon."""
        pool, horizon = pair
        events = self._read(_LAST, {"pool": pool, "horizon": horizon, "kind": kind})
        return events[0] if events else None

    def pool_of(self, ticker: str) -> str | None:
        """The pool that a ticker is a member of; None before its first features."""
        row = self._connection.execute(
            "SELECT pool FROM pool_members WHERE ticker = %s", (ticker,)
        ).fetchone()
        return row[0] if row else None

    def owners(self, ticker: str | None) -> tuple[list[str] | None, list[str]]:
        """Whose events those of a ticker are, pools and tickers as ``events`` takes them.

        Of its pool, and its own from before models belonged to pools; of None, of all.
        """
        if ticker is None:
            return None, []
        pool = self.pool_of(ticker)
        return [] if pool is None else [pool], [ticker]

    def digests(self) -> frozenset[str]:
        """The digests of all sets that any event is about, or that a trial needs."""
        rows = self._connection.execute(_DIGESTS).fetchall()
        if self._connection.execute(_HAS_TRIALS).fetchone() == (True,):
            rows += self._connection.execute(_OF_ALL_TRIALS).fetchall()
        return frozenset(digest for (digest,) in rows)

    def needed_by_trials(self, pair: Pair) -> frozenset[str]:
        """The digests of sets of a pool and horizon that trials forecast with."""
        return frozenset(d for (d,) in self._connection.execute(_OF_TRIALS, pair).fetchall())

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


def _chosen(
    pools: Sequence[str] | None, tickers: Sequence[str], until: dt.datetime | None
) -> dict[str, Any]:
    chosen = None if pools is None else list(pools)
    return {"pools": chosen, "tickers": list(tickers), "until": until}
