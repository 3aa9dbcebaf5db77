"""Batches that a person has taken out, and since when they count no longer."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

WITHDRAWALS = """
CREATE TABLE batch_withdrawals (
    batch_id bigint PRIMARY KEY REFERENCES ingest_batches,
    ticker text NOT NULL,
    withdrawn_at timestamptz NOT NULL
);
CREATE TRIGGER batch_withdrawals_rows BEFORE UPDATE OR DELETE ON batch_withdrawals
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER batch_withdrawals_whole BEFORE TRUNCATE ON batch_withdrawals
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- What was withdrawn may be brought in again, as of the same fetch.
ALTER TABLE ingest_batches
    DROP CONSTRAINT ingest_batches_ticker_kind_source_content_hash_fetched_at_key;
"""


def upgrade() -> None:
    """Create the table."""
    op.execute(WITHDRAWALS)


def downgrade() -> None:
    """Refuse, as every migration here."""
    raise NotImplementedError("migrations only go forward: restore a backup to go back")
