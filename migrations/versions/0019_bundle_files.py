"""Keep which files the merged deliveries of whole-market files consist of."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

BUNDLES = """
CREATE TABLE bundle_files (
    bundle_hash text NOT NULL,
    first_line bigint NOT NULL,
    file_hash text NOT NULL,
    name text NOT NULL,
    PRIMARY KEY (bundle_hash, first_line)
);
CREATE INDEX idx_bundle_files_file ON bundle_files(file_hash);
COMMENT ON COLUMN bundle_files.bundle_hash IS 'the file_hash of the batches, one a ticker';
COMMENT ON COLUMN bundle_files.first_line IS
    'lines of the batches after this one, up to that of the next file, are of this file';
"""


def upgrade() -> None:
    """Create the table."""
    op.execute(BUNDLES)


def downgrade() -> None:
    """Refuse, as every migration here."""
    raise NotImplementedError("migrations only go forward: restore a backup to go back")
