"""The batch that last confirmed all rows of a series of raw prices, kept once for the series."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

CONFIRMED = """
CREATE TABLE confirmed_series (
    ticker text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('daily', 'hourly')),
    source text NOT NULL,
    batch_id bigint NOT NULL REFERENCES ingest_batches,
    PRIMARY KEY (ticker, kind, source)
);
COMMENT ON COLUMN confirmed_series.batch_id IS
    'had all rows stored by then, unchanged: those of earlier batches count as rows of this one';
"""


def upgrade() -> None:
    """Create the table."""
    op.execute(CONFIRMED)


def downgrade() -> None:
    """Refuse, as every migration here."""
    raise NotImplementedError("migrations only go forward: restore a backup to go back")
