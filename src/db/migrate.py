"""Bring the schema up to date with Alembic, on the first use of a database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.core.errors import DatabaseRefused
from src.db.connection import control_connection, one_sentence_errors, without_credentials

if TYPE_CHECKING:
    import psycopg
    from alembic.config import Config

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
# An advisory lock that every process takes before it migrates.
MIGRATION_LOCK = 7203001


def newest_revision() -> str:
    """The newest revision in the tree, from the file names: Alembic itself is slow to import."""
    return max(path.name.split("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def ensure_schema(url: str) -> bool:
    """Bring the database at ``url`` to the newest revision; True if something was applied.

    Raises:
        DatabaseUnavailable: It cannot be reached.
        DatabaseRefused: Its schema is newer than this code, or its encoding is not UTF8.
    """
    newest = newest_revision()
    with one_sentence_errors(url), control_connection(url) as connection:
        stored = _revision_of(connection, url)
    if stored == newest:
        return False
    if stored is not None and stored > newest:
        raise DatabaseRefused(
            f"The database has schema {stored}, but this code only knows {newest}: update the code."
        )
    with one_sentence_errors(url), open_schema(url) as schema:
        schema.upgrade("head")
    return True


def _revision_of(connection: psycopg.Connection[Any], url: str) -> str | None:
    encoding = connection.execute("SHOW server_encoding").fetchone()
    if encoding is None or encoding[0] != "UTF8":
        raise DatabaseRefused(
            f"The database at {without_credentials(url)} is not encoded in UTF8: create it "
            "with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0."
        )
    table = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
    if table is None or table[0] is None:
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return row[0] if row else None


@dataclass(frozen=True)
class Schema:
    """The schema of a database, in one transaction in which it may be changed.

    Attributes:
        connection: In that transaction.
        revision: At its beginning; None where there is no schema yet.
    """

    connection: psycopg.Connection[Any]
    revision: str | None
    _config: Config

    def upgrade(self, revision: str) -> None:
        """Apply the migrations up to one, or to the newest (``head``)."""
        from alembic import command

        command.upgrade(self._config, revision)


@contextmanager
def open_schema(url: str) -> Iterator[Schema]:
    """Keep other migrations out; what is changed is committed together once the block ends.

    Raises:
        DatabaseUnavailable: It cannot be reached.
        DatabaseRefused: Its encoding is not UTF8.
    """
    from alembic.config import Config
    from sqlalchemy import create_engine, text

    # Connected by libpq, since SQLAlchemy reads some characters of a URL in another way.
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: control_connection(url, autocommit=False)
    )
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            config.attributes["connection"] = connection
            driver: Any = connection.connection.driver_connection
            yield Schema(driver, _revision_of(driver, url), config)
    finally:
        engine.dispose()
