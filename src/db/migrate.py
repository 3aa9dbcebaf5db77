"""Bring the schema up to date with Alembic, on the first use of a database."""

from __future__ import annotations

from pathlib import Path

from src.core.errors import DatabaseRefused
from src.db.connection import control_connection, one_sentence_errors, without_credentials

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
    stored, newest = _revision(url), newest_revision()
    if stored == newest:
        return False
    if stored is not None and stored > newest:
        raise DatabaseRefused(
            f"The database has schema {stored}, but this code only knows {newest}: update the code."
        )
    with one_sentence_errors(url):
        _upgrade(url)
    return True


def _revision(url: str) -> str | None:
    with one_sentence_errors(url), control_connection(url) as connection:
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


def _upgrade(url: str) -> None:
    from alembic import command
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
            command.upgrade(config, "head")
    finally:
        engine.dispose()
