"""Count once what the features of each ticker lack, and notice rows that are changed by hand."""

from alembic import op

revision = "0030"
down_revision = "0026"
branch_labels = None
depends_on = None

SERIES = """
CREATE TABLE feature_series (
    ticker text PRIMARY KEY,
    data_hash text NOT NULL,
    columns text NOT NULL,
    rows bigint NOT NULL,
    usable bigint NOT NULL,
    lacking bigint NOT NULL,
    not_finite bigint NOT NULL,
    short bigint NOT NULL,
    long bigint NOT NULL,
    changes bigint NOT NULL
);
COMMENT ON TABLE feature_series IS 'of each ticker, what its rows of features and labels have';
COMMENT ON COLUMN feature_series.data_hash IS
    'that of pool_members when these were counted; empty where rows were changed since';
COMMENT ON COLUMN feature_series.columns IS 'the features that were looked at, with commas';
COMMENT ON COLUMN feature_series.changes IS 'how often stored rows were changed or deleted';
CREATE FUNCTION features_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        UPDATE feature_series SET data_hash = '', changes = changes + 1;
    ELSE
        UPDATE feature_series SET data_hash = '', changes = changes + 1
        WHERE ticker IN (SELECT ticker FROM changed_rows);
    END IF;
    RETURN NULL;
END $$;
"""
TRIGGERS = """
CREATE TRIGGER {table}_updated AFTER UPDATE ON {table}
REFERENCING OLD TABLE AS changed_rows
FOR EACH STATEMENT EXECUTE FUNCTION features_changed();
CREATE TRIGGER {table}_deleted AFTER DELETE ON {table}
REFERENCING OLD TABLE AS changed_rows
FOR EACH STATEMENT EXECUTE FUNCTION features_changed();
CREATE TRIGGER {table}_truncated AFTER TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION features_changed();
"""


def upgrade() -> None:
    """Create the table, and the triggers that keep it true."""
    op.execute(SERIES)
    for table in ("features_daily", "dataset_short", "dataset_long"):
        op.execute(TRIGGERS.format(table=table))


def downgrade() -> None:
    """Refuse, as every migration here."""
    raise NotImplementedError("migrations only go forward: restore a backup to go back")
