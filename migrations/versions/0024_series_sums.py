"""Keep of each series the sum of its rows, to add newer ones without reading the others."""

from alembic import op

revision = "0024"
down_revision = "0021"
branch_labels = None
depends_on = None

SERIES = """
CREATE TABLE raw_series (
    ticker text NOT NULL,
    kind text NOT NULL,
    source text NOT NULL,
    rows bigint NOT NULL,
    row_sum text NOT NULL,
    PRIMARY KEY (ticker, kind, source)
);
COMMENT ON TABLE raw_series IS
    'of each series in the raw tables, its rows and the sum of their times and prices';
CREATE TABLE clean_series (
    ticker text PRIMARY KEY,
    rows bigint NOT NULL,
    first_session date NOT NULL,
    newest_session date NOT NULL,
    first_volume double precision NOT NULL,
    row_sum text NOT NULL,
    source text NOT NULL,
    raw_rows bigint NOT NULL,
    raw_sum text NOT NULL,
    raw_newest date NOT NULL,
    anchor date NOT NULL,
    basis text NOT NULL
);
COMMENT ON TABLE clean_series IS
    'of each ticker, what its clean daily prices are and of which raw rows they were made';
COMMENT ON COLUMN clean_series.basis IS
    'a hash of what else they were made of; empty where newer rows cannot just be added';
COMMENT ON COLUMN clean_series.anchor IS 'the session from which rows are looked at again';
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SERIES)


def downgrade() -> None:
    """Refuse, as every migration here."""
    raise NotImplementedError("migrations only go forward: restore a backup to go back")
