"""Index the newest training of a ticker and horizon: a pinned model's answer shows its verdict."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

INDEX = """
CREATE INDEX idx_model_events_trained ON model_events(ticker, horizon, event_id DESC)
    WHERE kind = 'trained'
"""


def upgrade() -> None:
    """Make the index."""
    op.execute(INDEX)


def downgrade() -> None:
    """Refuse, as every migration here."""
    raise NotImplementedError("migrations only go forward: restore a backup to go back")
