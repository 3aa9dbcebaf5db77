"""What monitoring remembers: scores of data quality, alerts, and what was sent to whom."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

QUALITY = """
CREATE TABLE quality_scores (
    ticker text NOT NULL,
    session date NOT NULL,
    score double precision NOT NULL CHECK (score BETWEEN 0 AND 100),
    dimensions jsonb NOT NULL,
    measured_at timestamptz NOT NULL,
    PRIMARY KEY (ticker, session)
);
COMMENT ON TABLE quality_scores IS
    'data quality from 0 to 100 as it was at a session; ticker empty for all together';
"""


def upgrade() -> None:
    """Add the tables."""
    op.execute(QUALITY)


def downgrade() -> None:
    """Refuse, as every migration here."""
    raise NotImplementedError("migrations only go forward: restore a backup to go back")
