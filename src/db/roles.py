"""Keep three roles, so that a mistake in one part of a deployment cannot change another's rows.

    forecast_owner     owns the tables: migrations
    forecast_writer    reads and writes all rows: the pipeline, the worker
    forecast_reader    reads all rows, and writes what pages and the prediction service do

Nobody can log in as one of them. A process logs in by ``DATABASE_URL`` and enters its role by
libpq's ``options=-c role=…`` in the URL, or in the variable ``PGOPTIONS``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from src.core.tables import DATASET_LONG, DATASET_SHORT, FEATURES_DAILY
from src.db.connection import (
    OWNER,
    READER,
    WRITER,
    control_connection,
    one_sentence_errors,
)
from src.db.migrate import MIGRATION_LOCK, ensure_schema

if TYPE_CHECKING:
    import psycopg

ROLES = (OWNER, WRITER, READER)

# The prediction log; requests for runs and their end; who takes care of which alert; trials.
READER_WRITES = (
    "INSERT ON predictions, run_requests, alert_acknowledgements, alert_silences",
    "INSERT ON trials, trial_events",
    "UPDATE ON data_version",  # by the triggers of trials
    "UPDATE (cancel_requested_at) ON run_requests",
    "UPDATE (person, at, note) ON alert_acknowledgements",
    "UPDATE (starts_at, ends_at) ON alert_silences",
)
# Runs add columns to them, as the settings name them, so that the writer has to own them.
_OPEN_ENDED = (FEATURES_DAILY, DATASET_SHORT, DATASET_LONG)
# What the login owns: all, where the tables are older than the roles or come out of a backup.
# Sequences go with their tables.
_NOT_OWNED = f"""
SELECT format('ALTER TABLE %s OWNER TO {OWNER}', oid::regclass) FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')
    AND relowner NOT IN ('{OWNER}'::regrole, '{WRITER}'::regrole)
UNION ALL
SELECT format('ALTER ROUTINE %s OWNER TO {OWNER}', oid::regprocedure) FROM pg_proc
WHERE pronamespace = 'public'::regnamespace AND proowner <> '{OWNER}'::regrole
UNION ALL
SELECT format('ALTER TYPE %s OWNER TO {OWNER}', oid::regtype) FROM pg_type
WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd')
    AND typowner <> '{OWNER}'::regrole
"""  # noqa: S608 names of this module
_RIGHTS = (
    # Also what an earlier version granted.
    f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {WRITER}, {READER}",
    f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {WRITER}, {READER}",
    f"GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {WRITER}",
    f"REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {WRITER}",
    f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {WRITER}",
    *(f"GRANT {right} TO {READER}" for right in READER_WRITES),
    f"GRANT USAGE ON SCHEMA public TO {WRITER}, {READER}",
    *(f"ALTER TABLE {table.name} OWNER TO {WRITER}" for table in _OPEN_ENDED),
    # Who holds a lock is read from the sessions of others.
    f"GRANT pg_read_all_stats TO {WRITER}, {READER}",
)


def migrate_with_roles(url: str) -> bool:
    """Bring roles, schema and rights up to date; True if the schema was changed.

    Args:
        url: Its login has to be a superuser.

    Raises:
        DatabaseUnavailable: It cannot be reached.
        DatabaseRefused: The login is no superuser, or the schema is newer than this code.
    """
    with one_sentence_errors(url), control_connection(url, autocommit=False) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
        _create(connection)
        for (statement,) in connection.execute(_NOT_OWNED).fetchall():
            connection.execute(statement)
    is_changed = ensure_schema(_as_role(url, OWNER))
    with one_sentence_errors(url), control_connection(url, autocommit=False) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
        for right in _RIGHTS:
            connection.execute(right)
    return is_changed


def _create(connection: psycopg.Connection[Any]) -> None:
    existing = connection.execute(
        "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", (list(ROLES),)
    )
    names = {name for (name,) in existing.fetchall()}
    for role in ROLES:
        if role not in names:
            connection.execute(f"CREATE ROLE {role} NOLOGIN")
        connection.execute(f"GRANT {role} TO CURRENT_USER")
    # Migrations change the tables that the writer owns, too.
    connection.execute(f"GRANT {WRITER} TO {OWNER}")
    connection.execute(f"GRANT USAGE, CREATE ON SCHEMA public TO {OWNER}")


def _as_role(url: str, role: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}options=-c%20role%3D{role}"
