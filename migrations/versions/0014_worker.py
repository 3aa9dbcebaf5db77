"""What the worker leaves: scheduled requests, sessions that were passed over, and who works."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# Of a request that the schedule made; all NULL for one of a person.
SCHEDULED = """
ALTER TABLE run_requests
    ADD COLUMN exchange text,
    ADD COLUMN session date,
    ADD COLUMN scheduled_at timestamptz,
    ADD CHECK (num_nulls(exchange, session, scheduled_at) IN (0, 3));
CREATE INDEX idx_run_requests_session ON run_requests(exchange, session)
    WHERE exchange IS NOT NULL;
COMMENT ON COLUMN run_requests.session IS
    'of a scheduled request: the session that it is to bring';
COMMENT ON COLUMN run_requests.scheduled_at IS
    'when it was made by the clock of the worker, which may be another than the database''s';
"""

MISSED = """
CREATE TABLE missed_sessions (
    exchange text NOT NULL,
    session date NOT NULL,
    noted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (exchange, session)
);
COMMENT ON TABLE missed_sessions IS
    'sessions for which no forecast was made in time: a later one had closed before a run';
"""

WORKERS = """
CREATE TABLE workers (
    worker_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    host text NOT NULL,
    pid bigint NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    stopped_at timestamptz
);
COMMENT ON COLUMN workers.stopped_at IS 'NULL while it works, and where it was killed';
"""


def upgrade() -> None:
    """Add the columns and tables."""
    for part in (SCHEDULED, MISSED, WORKERS):
        op.execute(part)


def downgrade() -> None:
    """Refuse, as every migration here."""
    raise NotImplementedError("migrations only go forward: restore a backup to go back")
