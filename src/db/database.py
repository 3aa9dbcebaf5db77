"""Open the database: start the embedded server if there is no URL, and update the schema."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.db.connection import (
    bulk_connection,
    control_connection,
    normalise_url,
    one_sentence_errors,
)
from src.db.migrate import ensure_schema
from src.db.store import PostgresStore

if TYPE_CHECKING:
    import psycopg

DATA_DIR = Path("var") / "postgres"


@dataclass(frozen=True)
class Database:
    """A store for bulk rows, and a connection for everything else, over one database."""

    url: str
    store: PostgresStore
    control: psycopg.Connection[Any]

    def answers(self) -> bool:
        """Whether the server still answers on the connection of the control."""
        import psycopg

        try:
            self.control.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True


@contextmanager
def open_database(
    url: str | None, home: Path, application: str = "tcsns-forecast", *, update_schema: bool = True
) -> Iterator[Database]:
    """The server at ``url``, or the embedded one below ``home`` when ``url`` is None.

    Its schema is brought up to date, unless it may be another's database.

    Raises:
        DatabaseUnavailable: Also when the server is lost before the block ends.
        DatabaseRefused: As above.
    """
    opened = open_connection(url, home, application, update_schema=update_schema)
    with opened as (reached, control), ExitStack() as stack:
        store = PostgresStore(bulk_connection(reached))
        stack.callback(store.close)
        yield Database(reached, store, control)


@contextmanager
def open_connection(
    url: str | None, home: Path, application: str, *, update_schema: bool = True
) -> Iterator[tuple[str, psycopg.Connection[Any]]]:
    """The URL of the server, and an autocommit connection alone: quicker to open than a store.

    Raises:
        DatabaseUnavailable: Also when the server is lost before the block ends.
        DatabaseRefused: As above.
    """
    with reach_server(url, home) as reached, one_sentence_errors(reached):
        if update_schema:
            ensure_schema(reached)
        with control_connection(reached, application) as connection:
            yield reached, connection


@contextmanager
def reach_server(url: str | None, home: Path) -> Iterator[str]:
    """The URL of the server, the embedded one started; its schema is as it is."""
    if url is not None:
        yield normalise_url(url)
        return
    from src.db.embedded.lease import acquire

    with acquire(home / DATA_DIR) as lease:
        yield normalise_url(lease.url)
