"""Keep which batch confirmed a whole series, and which horizons stored labels are of."""

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

HORIZONS = """
ALTER TABLE pool_members ADD COLUMN horizons text NOT NULL DEFAULT '';
COMMENT ON COLUMN pool_members.horizons IS 'sessions of the stored labels, such as 1/63';
"""


def upgrade() -> None:
    """Create the table and the column."""
    op.execute(CONFIRMED)
    op.execute(HORIZONS)


def downgrade() -> None:
    """Refuse, as every migration here."""
    raise NotImplementedError("migrations only go forward: restore a backup to go back")
