"""Let the ledger of corporate actions have events, and statements that nobody understood."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

# The history has no checks of its own.
KINDS = """
ALTER TABLE corporate_actions
    DROP CONSTRAINT corporate_actions_kind_check,
    ADD CONSTRAINT corporate_actions_kind_check CHECK (kind IN
        ('split', 'bonus', 'dividend', 'rights', 'demerger', 'event', 'unclear'));
COMMENT ON COLUMN corporate_actions.ratio IS
    'earlier prices are divided by it: shares after / before; of rights, demergers and events the '
    'value of a share before / after'
"""


def upgrade() -> None:
    """Widen the check."""
    op.execute(KINDS)


def downgrade() -> None:
    """Refuse, as every migration here."""
    raise NotImplementedError("migrations only go forward: restore a backup to go back")
