"""What is needed to see the prices and the ledger as they were known at any time."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

CONTENTS = """
CREATE TABLE batch_contents (
    ticker text NOT NULL,
    batch_id bigint NOT NULL REFERENCES ingest_batches,
    kind text NOT NULL CHECK (kind IN ('daily', 'hourly')),
    source text NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (ticker, batch_id)
);
COMMENT ON COLUMN batch_contents.content IS
    'the rows of the batch as delivered: an Arrow IPC stream, compressed with zstd';
"""

HISTORY = """
CREATE TABLE corporate_action_history (
    LIKE corporate_actions,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (ticker, date, kind, source, origin, changed_at)
);
COMMENT ON TABLE corporate_action_history IS
    'every state that a stated, entered or decided action of the ledger ever had, and since when';
"""

APPEND_ONLY = """
CREATE TRIGGER {table}_rows BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER {table}_whole BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    """Create the archive of deliveries and the history of the ledger."""
    op.execute(CONTENTS)
    op.execute(HISTORY)
    for table in ("batch_contents", "corporate_action_history"):
        op.execute(APPEND_ONLY.format(table=table))


def downgrade() -> None:
    """Refuse: dropping these tables would lose what was delivered and decided."""
    raise NotImplementedError("migrations only go forward: restore a backup to go back")
