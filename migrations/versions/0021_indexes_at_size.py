"""Find few rows of large tables without reading all of them, and vacuum before much is dead."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

INDEXES = """
CREATE INDEX idx_ingest_batches_ticker ON ingest_batches(ticker, source, fetched_at)
    INCLUDE (batch_id);
CREATE INDEX idx_actions_pending ON corporate_actions(ticker, date) WHERE status = 'pending';
CREATE INDEX idx_clean_repaired ON raw_daily_prices_clean(ticker) WHERE repaired_by IS NOT NULL;
CREATE INDEX idx_features_pending ON features_daily(ticker, date) WHERE action_pending;
CREATE INDEX idx_quarantine_at ON quarantine(at COLLATE "C");
CREATE INDEX idx_outcomes_label_end ON prediction_outcomes(kind, label_end);
"""

# Each evening adds a batch for each ticker: from one ticker and source to the next by the index.
TICKERS = """
CREATE OR REPLACE VIEW stored_tickers AS
WITH RECURSIVE series AS (
    (SELECT ticker, source FROM ingest_batches ORDER BY ticker, source LIMIT 1)
    UNION ALL
    SELECT later.ticker, later.source FROM series CROSS JOIN LATERAL (
        SELECT b.ticker, b.source FROM ingest_batches b
        WHERE (b.ticker, b.source) > (series.ticker, series.source)
        ORDER BY b.ticker, b.source LIMIT 1) later
)
SELECT coalesce(s.ticker, b.ticker) AS ticker, bool_and(b.is_real) AS is_real
FROM (SELECT ticker, bool_and(source <> 'sample') AS is_real FROM series GROUP BY ticker) b
LEFT JOIN ticker_spans() s ON s.symbol = b.ticker AND (
    EXISTS (SELECT FROM raw_daily_prices r WHERE r.ticker = s.symbol AND r.date <@ s.days)
    OR EXISTS (SELECT FROM raw_hourly_prices r
        WHERE r.ticker = s.symbol AND (r.ts AT TIME ZONE 'UTC')::date <@ s.days))
GROUP BY 1;
"""

# A dividend replaces all rows of its ticker: a few thousand dead ones in tables of millions, of
# which a fifth would have to be dead before PostgreSQL cleans up.
LARGE = (
    *("raw_daily_prices", "raw_daily_prices_clean", "features_daily"),
    *("dataset_short", "dataset_long"),
)
VACUUM = """
ALTER TABLE {table} SET (autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
"""


def upgrade() -> None:
    """Create the indexes, and change the view and the settings."""
    op.execute(INDEXES)
    op.execute(TICKERS)
    for table in LARGE:
        op.execute(VACUUM.format(table=table))


def downgrade() -> None:
    """Refuse, as every migration here."""
    raise NotImplementedError("migrations only go forward: restore a backup to go back")
