"""Let runs be asked for with prices from NSE."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

SOURCES = """
ALTER TABLE run_requests
    DROP CONSTRAINT run_requests_source_check,
    ADD CONSTRAINT run_requests_source_check
        CHECK (source IN ('stored', 'yahoo', 'nse', 'sample', 'csv'));
"""


def upgrade() -> None:
    """Widen the check."""
    op.execute(SOURCES)


def downgrade() -> None:
    """Refuse, as every migration here."""
    raise NotImplementedError("migrations only go forward: restore a backup to go back")
