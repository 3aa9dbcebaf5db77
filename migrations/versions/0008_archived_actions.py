"""Keep the actions of each delivery beside its prices, so that both can be replayed."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ACTIONS = """
ALTER TABLE batch_contents ADD COLUMN actions bytea;
COMMENT ON COLUMN batch_contents.actions IS
    'the splits and dividends of the batch as delivered: an Arrow IPC stream, empty where the '
    'source states none, null where the batch is older than this column';
"""


def upgrade() -> None:
    """Add the column."""
    op.execute(ACTIONS)


def downgrade() -> None:
    """Refuse, as every migration here."""
    raise NotImplementedError("migrations only go forward: restore a backup to go back")
