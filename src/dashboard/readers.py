"""Read the database for pages: few connections, read-only, and again only when it has changed."""

from __future__ import annotations

import contextlib
import datetime as dt
import queue
from collections.abc import Callable, Iterator
from typing import Any, Concatenate, ParamSpec, TypeVar

import streamlit as st

from src.config import clock, logs
from src.config.load import load_settings
from src.config.settings import Settings
from src.db.pages import overview
from src.db.reconnect import Connection, PersistentConnection, Reconnector

P = ParamSpec("P")
T = TypeVar("T")
Query = Callable[Concatenate[Connection, P], T]

# Connections of all sessions of a browser together; a page that waits for one waits for its turn.
CONNECTIONS = 4
APPLICATION = "tcsns-dashboard"
# Seconds for which the version of the data, and what it does not cover, is believed.
BELIEVED, RECENT = 1.0, 2.0
# Answers of queries that are kept.
ANSWERS = 400
# All that a query reads is of one moment.
_LIMITS = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; "
    "SET LOCAL statement_timeout = '10s'"
)


@st.cache_resource(show_spinner=False)
def settings() -> Settings:
    """The settings, read once a process."""
    loaded = load_settings()
    logs.configure(loaded.home, loaded.log_level)
    return loaded


def horizons() -> dict[str, int]:
    """Sessions ahead, by horizon: short and long."""
    chosen = settings().training.horizons
    return {"short": chosen.short, "long": chosen.long}


def now() -> dt.datetime:
    """The current time, aware."""
    return clock.now(settings())


class _Connections:
    """A fixed number of connections, each used by one thread at a time."""

    def __init__(self) -> None:
        reconnector = Reconnector(settings().server, settings().home, APPLICATION)
        self._free: queue.SimpleQueue[PersistentConnection] = queue.SimpleQueue()
        for _ in range(CONNECTIONS):
            self._free.put(PersistentConnection(reconnector))

    @contextlib.contextmanager
    def one(self) -> Iterator[PersistentConnection]:
        """A connection that nobody else uses meanwhile."""
        connection = self._free.get()
        try:
            yield connection
        finally:
            self._free.put(connection)


@st.cache_resource(show_spinner=False)
def _connections() -> _Connections:
    return _Connections()


def read(query: Query[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of ``query(connection, *args)``, kept until the stored data has changed.

    Data are models, forecasts and the prices that they were made of (``data_version``), and what
    runs have recorded by their end. The query must be a function of a module, and its arguments
    and result such as can be pickled.

    Raises:
        DatabaseUnavailable: One sentence.
        DatabaseRefused: One sentence.
    """
    answer: T = _answer(_name(query), version(), args, kwargs, query)
    return answer


def read_recent(query: Query[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """As ``read``, but kept for 2 seconds: for runs, alerts, scores and what else changes."""
    answer: T = _recent_answer(_name(query), args, kwargs, query)
    return answer


def uncached(query: Query[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """As ``read``, but asked anew: for callers that keep the result themselves."""
    return _run(query, *args, **kwargs)


def write(work: Query[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of ``work(connection, *args)``, which may change the database."""
    with _connections().one() as connection:
        result = connection.run(lambda opened: work(opened, *args, **kwargs))
    _recent_answer.clear()
    return result


@st.cache_data(ttl=BELIEVED, show_spinner=False)
def version() -> int:
    """The version of the stored data, at most a second old."""
    return _run(overview.version)


@st.cache_data(max_entries=ANSWERS, show_spinner=False)
def _answer(
    name: str, version: int, args: tuple[Any, ...], kwargs: dict[str, Any], _query: Any
) -> Any:
    # What is not hashed begins with an underscore; the name stands for it.
    return _run(_query, *args, **kwargs)


@st.cache_data(ttl=RECENT, max_entries=ANSWERS, show_spinner=False)
def _recent_answer(name: str, args: tuple[Any, ...], kwargs: dict[str, Any], _query: Any) -> Any:
    return _run(_query, *args, **kwargs)


def _run(query: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    def limited(connection: Connection) -> T:
        with connection.transaction():
            connection.execute(_LIMITS)
            return query(connection, *args, **kwargs)

    with _connections().one() as connection:
        return connection.run(limited)


def _name(query: Callable[..., object]) -> str:
    return f"{query.__module__}.{query.__qualname__}"
