"""Drop the notices of changes: the API polls the database for them."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

DROP = """
DROP TRIGGER serving_inputs_changed ON serving_inputs;
DROP TRIGGER model_events_made_live ON model_events;
DROP FUNCTION notify_serving();
"""


def upgrade() -> None:
    """Drop the triggers and their function."""
    op.execute(DROP)


def downgrade() -> None:
    """Refuse, as every migration here."""
    raise NotImplementedError("migrations only go forward: restore a backup to go back")
