"""What monitoring remembers: scores of data quality, alerts, and what was sent to whom."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

QUALITY = """
CREATE TABLE quality_scores (
    ticker text NOT NULL,
    session date NOT NULL,
    score double precision NOT NULL CHECK (score BETWEEN 0 AND 100),
    dimensions jsonb NOT NULL,
    measured_at timestamptz NOT NULL,
    PRIMARY KEY (ticker, session)
);
COMMENT ON TABLE quality_scores IS
    'data quality from 0 to 100 as it was at a session; ticker empty for all together';
"""

DRIFT = """
CREATE TABLE drift_measures (
    pool text NOT NULL,
    horizon text NOT NULL,
    measure text NOT NULL,
    session date NOT NULL,
    value double precision,
    expected double precision NOT NULL,
    n bigint NOT NULL,
    t double precision,
    limit_t double precision,
    bad boolean,
    sentence text NOT NULL,
    measured_at timestamptz NOT NULL,
    PRIMARY KEY (pool, horizon, measure, session)
);
COMMENT ON COLUMN drift_measures.session IS 'the last closed session when it was measured';
COMMENT ON COLUMN drift_measures.bad IS 'NULL where there was too little to measure';

CREATE TABLE feature_means (
    pool text NOT NULL,
    session date NOT NULL,
    features_version text NOT NULL,
    means real[] NOT NULL,
    PRIMARY KEY (pool, session)
);
COMMENT ON TABLE feature_means IS
    'mean over a pool''s tickers of each element of features_daily.inputs, named by feature_sets';
"""


def upgrade() -> None:
    """Add the tables."""
    op.execute(QUALITY)
    op.execute(DRIFT)


def downgrade() -> None:
    """Refuse, as every migration here."""
    raise NotImplementedError("migrations only go forward: restore a backup to go back")
