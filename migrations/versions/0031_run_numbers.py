"""Number runs in the order in which they begin, whatever their clocks say."""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

# Of runs before, the clocks are all that is known.
NUMBERS = """
ALTER TABLE pipeline_runs ADD COLUMN number bigint;
UPDATE pipeline_runs SET number = ordered.number
FROM (SELECT run_id, row_number() OVER (ORDER BY started_at, run_id) AS number FROM pipeline_runs)
    ordered
WHERE ordered.run_id = pipeline_runs.run_id;
ALTER TABLE pipeline_runs ALTER COLUMN number SET NOT NULL;
ALTER TABLE pipeline_runs ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY;
SELECT setval(pg_get_serial_sequence('pipeline_runs', 'number'),
    (SELECT coalesce(max(number), 0) + 1 FROM pipeline_runs), false);
CREATE UNIQUE INDEX idx_pipeline_runs_number ON pipeline_runs(number);
COMMENT ON COLUMN pipeline_runs.number IS
    'the order in which runs began: started_at is by the clock of each';
"""


def upgrade() -> None:
    """Add the numbers."""
    op.execute(NUMBERS)


def downgrade() -> None:
    """Refuse, as every migration here."""
    raise NotImplementedError("migrations only go forward: restore a backup to go back")
