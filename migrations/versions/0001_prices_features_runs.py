"""Prices as received and as cleaned, features, datasets, quarantine, revisions and the run log."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

PRICES = """
CREATE TABLE instruments (
    ticker text PRIMARY KEY,
    name text,
    listed_on date
);
INSERT INTO instruments VALUES ('TCS.NS', 'Tata Consultancy Services Limited', '2004-08-25');

CREATE TABLE ingest_batches (
    batch_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ticker text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('daily', 'hourly')),
    source text NOT NULL,
    layout text NOT NULL,
    price_basis text NOT NULL CHECK (price_basis IN ('unadjusted', 'split', 'total')),
    content_hash text NOT NULL,
    fetched_at timestamptz NOT NULL,
    fetched_at_stated boolean NOT NULL,
    origin text NOT NULL,
    rows_delivered bigint NOT NULL,
    rows_rejected bigint NOT NULL,
    notes text NOT NULL,
    UNIQUE (ticker, kind, source, content_hash, fetched_at)
);

CREATE TABLE raw_daily_prices (
    ticker text NOT NULL,
    date date NOT NULL,
    source text NOT NULL,
    open double precision,
    high double precision,
    low double precision,
    close double precision,
    volume double precision,
    adj_close double precision,
    batch_id bigint NOT NULL REFERENCES ingest_batches,
    first_seen timestamptz NOT NULL,
    PRIMARY KEY (ticker, date, source)
);
CREATE TABLE raw_hourly_prices (
    ticker text NOT NULL,
    ts timestamptz NOT NULL,
    source text NOT NULL,
    open double precision,
    high double precision,
    low double precision,
    close double precision,
    volume double precision,
    batch_id bigint NOT NULL REFERENCES ingest_batches,
    first_seen timestamptz NOT NULL,
    PRIMARY KEY (ticker, ts, source)
);
COMMENT ON COLUMN raw_hourly_prices.ts IS 'start of the bar';

CREATE TABLE price_revisions (
    ticker text NOT NULL,
    kind text NOT NULL,
    at timestamptz NOT NULL,
    source text NOT NULL,
    field text NOT NULL,
    batch_id bigint NOT NULL REFERENCES ingest_batches,
    previous_batch_id bigint NOT NULL REFERENCES ingest_batches,
    old_value double precision,
    new_value double precision,
    known_at timestamptz NOT NULL,
    noise boolean NOT NULL,
    PRIMARY KEY (ticker, kind, at, source, field, known_at, batch_id)
);
COMMENT ON TABLE price_revisions IS
    'Every value that a later fetch changed; a noise row names a difference below 1e-5 that '
    'left the raw value as it was';

CREATE TABLE raw_daily_prices_clean (
    ticker text NOT NULL,
    date date NOT NULL,
    open double precision NOT NULL,
    high double precision NOT NULL,
    low double precision NOT NULL,
    close double precision NOT NULL,
    volume double precision NOT NULL,
    adj_close double precision NOT NULL,
    source text NOT NULL,
    return_basis text NOT NULL CHECK (return_basis IN ('price', 'total')),
    action_pending boolean NOT NULL,
    repaired_by text,
    PRIMARY KEY (ticker, date)
);
CREATE TABLE raw_hourly_prices_clean (
    ticker text NOT NULL,
    ts timestamptz NOT NULL,
    open double precision NOT NULL,
    high double precision NOT NULL,
    low double precision NOT NULL,
    close double precision NOT NULL,
    volume double precision NOT NULL,
    source text NOT NULL,
    repaired_by text,
    PRIMARY KEY (ticker, ts)
);

CREATE TABLE quarantine (
    ticker text NOT NULL,
    stage text NOT NULL,
    kind text NOT NULL,
    source text NOT NULL,
    at text NOT NULL,
    line bigint NOT NULL,
    rule text NOT NULL,
    reason text NOT NULL,
    action text NOT NULL CHECK (action IN ('rejected', 'repaired')),
    "row" jsonb NOT NULL,
    batch_id bigint NOT NULL REFERENCES ingest_batches,
    PRIMARY KEY (ticker, stage, kind, batch_id, at, line, rule)
);
COMMENT ON COLUMN quarantine.line IS
    'the data row of the file for rows rejected at ingest, 0 for rows rejected in cleaning';
"""

MODEL_INPUTS = """
CREATE TABLE features_daily (
    ticker text NOT NULL,
    date date NOT NULL,
    close double precision NOT NULL,
    warm_up boolean NOT NULL,
    source text NOT NULL,
    features_version text NOT NULL,
    PRIMARY KEY (ticker, date)
);
CREATE INDEX idx_features_date ON features_daily(date);

CREATE TABLE dataset_short (
    ticker text NOT NULL,
    date date NOT NULL,
    label_end date NOT NULL,
    target double precision NOT NULL,
    source text NOT NULL,
    features_version text NOT NULL,
    PRIMARY KEY (ticker, date)
);
CREATE INDEX idx_dataset_short_date ON dataset_short(date);

CREATE TABLE dataset_long (LIKE dataset_short, PRIMARY KEY (ticker, date));
CREATE INDEX idx_dataset_long_date ON dataset_long(date);
"""

RUN_LOG = """
CREATE TABLE pipeline_runs (
    run_id text PRIMARY KEY,
    ticker text NOT NULL,
    command text NOT NULL,
    status text NOT NULL CHECK (status IN ('running', 'success', 'failed', 'interrupted')),
    live boolean NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    host text NOT NULL,
    pid bigint NOT NULL,
    data_hash text,
    config_hash text,
    error text
);
CREATE INDEX idx_pipeline_runs_ticker ON pipeline_runs(ticker, started_at DESC);

CREATE TABLE stage_runs (
    run_id text NOT NULL REFERENCES pipeline_runs ON DELETE CASCADE,
    stage text NOT NULL,
    status text NOT NULL,
    started_at timestamptz NOT NULL,
    rows bigint NOT NULL,
    duration_seconds double precision NOT NULL,
    error text,
    PRIMARY KEY (run_id, stage)
);
"""

APPEND_ONLY = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP;
END $$;
CREATE TRIGGER price_revisions_rows BEFORE UPDATE OR DELETE ON price_revisions
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER price_revisions_whole BEFORE TRUNCATE ON price_revisions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    """Create everything the pipeline reads and writes."""
    for part in (PRICES, MODEL_INPUTS, RUN_LOG, APPEND_ONLY):
        op.execute(part)


def downgrade() -> None:
    """Refuse: dropping these tables would lose prices."""
    raise NotImplementedError("migrations only go forward: restore a backup to go back")
