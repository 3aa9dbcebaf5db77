"""Keep how much memory the processes of each stage of a run took."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

MEMORY = """
ALTER TABLE stage_runs ADD COLUMN peak_memory_mib double precision;
COMMENT ON COLUMN stage_runs.peak_memory_mib IS
    'the largest resident memory, up to then, of a process that ran a part of the stage';
"""


def upgrade() -> None:
    """Add the column."""
    op.execute(MEMORY)


def downgrade() -> None:
    """Refuse, as every migration here."""
    raise NotImplementedError("migrations only go forward: restore a backup to go back")
