"""The pace of each source on the network, which all processes keep together."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

PACE = """
CREATE TABLE source_pace (
    source text PRIMARY KEY,
    tokens double precision NOT NULL,
    counted_at timestamptz NOT NULL,
    failures integer NOT NULL DEFAULT 0,
    refusals integer NOT NULL DEFAULT 0,
    refused_at timestamptz,
    reason text,
    resumes_at timestamptz,
    trial_until timestamptz
);
COMMENT ON COLUMN source_pace.tokens IS
    'requests left at counted_at; below 0 where some wait for their turn';
COMMENT ON COLUMN source_pace.failures IS 'in a row that may come to a refusal';
COMMENT ON COLUMN source_pace.refusals IS 'one after another, by which pauses grow';
COMMENT ON COLUMN source_pace.resumes_at IS
    'when it may be asked again after a refusal; NULL once it has answered';
COMMENT ON COLUMN source_pace.trial_until IS
    'until when the first request after a refusal may take';
"""


def upgrade() -> None:
    """Create the table."""
    op.execute(PACE)


def downgrade() -> None:
    """Refuse, as every migration here."""
    raise NotImplementedError("migrations only go forward: restore a backup to go back")
