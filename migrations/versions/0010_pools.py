"""Models belong to pools: what they see is stored, and every change of it has a number."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# Rows of before have no inputs: the next run computes them anew, by their features_version.
FEATURES = """
ALTER TABLE features_daily
    ADD COLUMN adj_close double precision,
    ADD COLUMN log_return double precision,
    ADD COLUMN variance double precision,
    ADD COLUMN action_pending boolean,
    ADD COLUMN return_basis text,
    ADD COLUMN inputs real[];
COMMENT ON COLUMN features_daily.inputs IS
    'what models see of this ticker, named by feature_sets; NaN where not defined';
COMMENT ON COLUMN features_daily.log_return IS
    'of adj_close since the bar before; NULL where a corporate action waits for a decision';
COMMENT ON COLUMN features_daily.variance IS
    'of the session: overnight move squared plus Garman-Klass; NULL where it is not known';
ALTER TABLE dataset_short ADD COLUMN warm_up boolean;
ALTER TABLE dataset_long ADD COLUMN warm_up boolean;

CREATE TABLE feature_sets (
    features_version text PRIMARY KEY,
    names text[] NOT NULL
);
COMMENT ON TABLE feature_sets IS 'names of the elements of features_daily.inputs, in their order';

CREATE VIEW model_inputs AS
SELECT f.ticker, f.date, f.features_version, s.name, nullif(f.inputs[s.position], 'NaN') AS value
FROM features_daily f
JOIN (SELECT features_version, name, position
      FROM feature_sets CROSS JOIN LATERAL unnest(names) WITH ORDINALITY u(name, position)) s
    USING (features_version)
WHERE f.inputs IS NOT NULL;

CREATE TABLE pool_members (
    ticker text PRIMARY KEY,
    pool text NOT NULL,
    newest_session date NOT NULL,
    last_close double precision NOT NULL CHECK (last_close > 0),
    source text NOT NULL,
    return_basis text NOT NULL,
    features_version text NOT NULL,
    data_hash text NOT NULL
);
CREATE INDEX idx_pool_members_pool ON pool_members(pool);
"""

# Scaled copies of the guide's features, which fed no model.
UNUSED = """
DO $$
DECLARE found record;
BEGIN
    FOR found IN
        SELECT attrelid::regclass::text AS of_table, attname FROM pg_attribute
        WHERE attrelid IN ('features_daily'::regclass, 'dataset_short'::regclass,
            'dataset_long'::regclass) AND attnum > 0 AND NOT attisdropped
            AND attname ~ '^(return_lag\\d+_scaled|mom_\\d+_scaled|close_over_sma_\\d+|range_1|gap_1|volume_z_\\d+)$'
    LOOP
        EXECUTE format('ALTER TABLE %s DROP COLUMN %I', found.of_table, found.attname);
    END LOOP;
END $$;
"""  # noqa: E501 one pattern

EVENTS = """
ALTER TABLE model_events ADD COLUMN pool text;
ALTER TABLE model_events ALTER COLUMN ticker DROP NOT NULL;
ALTER TABLE model_events ADD CHECK (pool IS NOT NULL OR ticker IS NOT NULL);
ALTER TABLE model_events DROP CONSTRAINT model_events_kind_check;
ALTER TABLE model_events ADD CHECK (kind IN ('trained', 'promoted', 'rejected', 'undecided',
    'demoted', 'versioned', 'rolled_back', 'pinned', 'unpinned', 'migrated'));
COMMENT ON COLUMN model_events.ticker IS 'of events from before pools had models';
CREATE INDEX idx_model_events_pool_live ON model_events(pool, horizon, event_id DESC)
    WHERE made_live;
CREATE INDEX idx_model_events_pool_pins ON model_events(pool, horizon, event_id DESC)
    WHERE kind IN ('pinned', 'unpinned', 'promoted');
CREATE INDEX idx_model_events_pool_trained ON model_events(pool, horizon, event_id DESC)
    WHERE kind = 'trained';
"""

# Sets of single tickers are not used any longer; one event for each pool and horizon says so. A
# pool whose tickers all were served by one promoted candidate starts with it, any other with zero.
CHAMPIONS = r"""
WITH live AS (
    SELECT DISTINCT ON (ticker, horizon) ticker, horizon, digest,
        coalesce(nullif(served, ''), 'zero') AS served,
        coalesce((SELECT t.evidence ->> 'since' FROM model_events t
            WHERE t.digest = e.digest AND t.kind = 'trained' LIMIT 1), '') AS since
    FROM model_events e WHERE made_live ORDER BY ticker, horizon, event_id DESC
),
suffixes (suffix, pool) AS (VALUES ('.NS', 'NSE'), ('.BO', 'BSE'), ('', 'XNYS'), ('.L', 'XLON'),
    ('.DE', 'XETR'), ('.F', 'XFRA'), ('.PA', 'XPAR'), ('.AS', 'XAMS'), ('.BR', 'XBRU'),
    ('.LS', 'XLIS'), ('.IR', 'XDUB'), ('.MI', 'XMIL'), ('.MC', 'XMAD'), ('.SW', 'XSWX'),
    ('.VI', 'XWBO'), ('.ST', 'XSTO'), ('.CO', 'XCSE'), ('.HE', 'XHEL'), ('.OL', 'XOSL'),
    ('.T', 'XTKS'), ('.HK', 'XHKG'), ('.SS', 'XSHG'), ('.KS', 'XKRX'), ('.SI', 'XSES'),
    ('.AX', 'XASX'), ('.NZ', 'XNZE'), ('.TO', 'XTSE'), ('.MX', 'XMEX'), ('.SA', 'BVMF')),
pooled AS (
    SELECT live.*, CASE
        WHEN ticker IN (SELECT ticker FROM raw_daily_prices_clean WHERE source = 'sample')
            THEN 'SAMPLE'
        WHEN ticker LIKE '^%' THEN ticker
        ELSE suffixes.pool END AS pool
    FROM live LEFT JOIN suffixes ON suffix = coalesce(substring(ticker FROM '\.[A-Z]+$'), '')
),
champions AS (
    SELECT pool, horizon, min(digest) AS digest,
        CASE WHEN count(DISTINCT served) = 1 AND min(since) <> '' THEN min(served)
            ELSE 'zero' END AS served,
        CASE WHEN count(DISTINCT served) = 1 AND min(since) <> '' THEN max(since)
            ELSE '' END AS since
    FROM pooled WHERE pool IS NOT NULL GROUP BY pool, horizon
)
INSERT INTO model_events (kind, pool, horizon, digest, made_live, served, verdict, reason,
    evidence, by_whom, at)
SELECT 'migrated', pool, horizon, digest, false, served,
    CASE served WHEN 'zero' THEN 'none' ELSE 'better' END,
    CASE served WHEN 'zero' THEN 'models of single tickers are not used any longer'
        ELSE 'all tickers of the pool were served by it' END,
    jsonb_build_object('since', since), 'migration', now()
FROM champions ORDER BY pool, horizon DESC
"""

SERVING = """
DROP TABLE serving_inputs;
CREATE TABLE serving_inputs (
    ticker text NOT NULL,
    horizon text NOT NULL CHECK (horizon IN ('short', 'long')),
    pool text NOT NULL,
    feature_date date NOT NULL,
    features_version text NOT NULL,
    last_close double precision NOT NULL CHECK (last_close > 0),
    inputs jsonb NOT NULL,
    levels double precision[] NOT NULL,
    quantiles double precision[] NOT NULL,
    sigma double precision CHECK (sigma > 0),
    metrics jsonb NOT NULL,
    note text,
    data_source text NOT NULL,
    return_basis text NOT NULL,
    data_hash text NOT NULL,
    written_at timestamptz NOT NULL,
    PRIMARY KEY (ticker, horizon)
);
CREATE INDEX idx_serving_inputs_pool ON serving_inputs(pool, horizon);
COMMENT ON COLUMN serving_inputs.inputs IS 'every input that a model of the pool may need, by name';
COMMENT ON COLUMN serving_inputs.quantiles IS 'of the simple return from feature_date';
COMMENT ON COLUMN serving_inputs.metrics IS 'how the candidates did on this ticker alone';
COMMENT ON COLUMN serving_inputs.note IS 'why zero answers whatever model is live; mostly NULL';

CREATE TABLE pool_inputs (
    pool text NOT NULL,
    horizon text NOT NULL CHECK (horizon IN ('short', 'long')),
    digest text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
    session date NOT NULL,
    inputs jsonb NOT NULL,
    written_at timestamptz NOT NULL,
    PRIMARY KEY (pool, horizon, digest)
);
COMMENT ON COLUMN pool_inputs.inputs IS
    'what this model needs besides a ticker''s own inputs, such as the mean predicted rank';
"""

# A forecast that is served and the same one in the shadow are two. Logs refuse changes: the trigger
# of outcomes is off while rows of before get the kind of their forecasts.
LOG_KEYS = """
ALTER TABLE prediction_outcomes DROP CONSTRAINT prediction_outcomes_pkey;
ALTER TABLE prediction_outcomes
    DROP CONSTRAINT prediction_outcomes_ticker_horizon_feature_date_version_da_fkey;
ALTER TABLE predictions DROP CONSTRAINT predictions_pkey;
ALTER TABLE predictions
    ADD PRIMARY KEY (ticker, horizon, feature_date, version, data_hash, kind);
ALTER TABLE prediction_outcomes ADD COLUMN kind text NOT NULL DEFAULT 'served';
ALTER TABLE prediction_outcomes DISABLE TRIGGER prediction_outcomes_append_only;
UPDATE prediction_outcomes o SET kind = p.kind FROM predictions p
WHERE (o.ticker, o.horizon, o.feature_date, o.version, o.data_hash)
    = (p.ticker, p.horizon, p.feature_date, p.version, p.data_hash) AND p.kind <> 'served';
ALTER TABLE prediction_outcomes ENABLE ALWAYS TRIGGER prediction_outcomes_append_only;
ALTER TABLE prediction_outcomes ALTER COLUMN kind DROP DEFAULT;
ALTER TABLE prediction_outcomes
    ADD PRIMARY KEY (ticker, horizon, feature_date, version, data_hash, kind, matured_at),
    ADD FOREIGN KEY (ticker, horizon, feature_date, version, data_hash, kind)
        REFERENCES predictions;
"""

# Services and pages poll this one number instead of the tables. A statement that changed no row
# does not raise it, so that a run that changed nothing makes nobody read anything again.
VERSION = """
CREATE TABLE data_version (n bigint NOT NULL);
INSERT INTO data_version VALUES (0);
CREATE FUNCTION bump_data_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE data_version SET n = n + 1 WHERE EXISTS (SELECT FROM changed_rows);
    RETURN NULL;
END $$;
"""
WATCHED = ("model_events", "serving_inputs", "pool_inputs", "pool_members")
TRIGGER = """
CREATE TRIGGER {table}_{event} AFTER {event} ON {table}
    REFERENCING {rows} TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION bump_data_version();
"""
CHANGES = (("insert", "NEW"), ("update", "NEW"), ("delete", "OLD"))

# Whether the batch of each row exists was asked row by row, a third of the time that it took to
# write prices; once a statement is enough.
BATCHES = """
ALTER TABLE ingest_batches
    ADD COLUMN file_hash text NOT NULL DEFAULT '',
    ADD COLUMN file_parts bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN ingest_batches.file_hash IS
    'of the file''s bytes and how they were read, to recognise it; empty where it is not a file';
COMMENT ON COLUMN ingest_batches.file_parts IS 'batches that the whole file gives';
CREATE INDEX idx_ingest_batches_file ON ingest_batches(file_hash);

CREATE FUNCTION require_batches() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE missing bigint;
BEGIN
    SELECT batch_id INTO missing FROM (SELECT DISTINCT batch_id FROM changed_rows) changed
    WHERE NOT EXISTS (SELECT FROM ingest_batches b WHERE b.batch_id = changed.batch_id) LIMIT 1;
    IF FOUND THEN
        RAISE foreign_key_violation
            USING MESSAGE = format('%s: no batch %s', TG_TABLE_NAME, missing);
    END IF;
    RETURN NULL;
END $$;
"""
OF_BATCHES = ("raw_daily_prices", "raw_hourly_prices")
BATCH_TRIGGERS = """
ALTER TABLE {table} DROP CONSTRAINT {table}_batch_id_fkey;
CREATE TRIGGER {table}_insert AFTER INSERT ON {table} REFERENCING NEW TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION require_batches();
CREATE TRIGGER {table}_update AFTER UPDATE ON {table} REFERENCING NEW TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION require_batches();
"""

RUNS = """
ALTER TABLE pipeline_runs ALTER COLUMN ticker DROP NOT NULL;
ALTER TABLE pipeline_runs DROP CONSTRAINT pipeline_runs_status_check;
ALTER TABLE pipeline_runs ADD CHECK (status IN ('running', 'success', 'partial', 'failed',
    'interrupted'));
COMMENT ON COLUMN pipeline_runs.ticker IS 'NULL for a run of many';
CREATE TABLE run_tickers (
    run_id text NOT NULL REFERENCES pipeline_runs ON DELETE CASCADE,
    ticker text NOT NULL,
    session date,
    status text NOT NULL,
    stage text,
    error text,
    PRIMARY KEY (run_id, ticker)
);
COMMENT ON COLUMN run_tickers.session IS 'the newest session that the run left features of';
CREATE INDEX idx_run_tickers_ticker ON run_tickers(ticker, session);
CREATE TABLE prepared_tickers (
    ticker text PRIMARY KEY,
    fingerprint text NOT NULL
);
COMMENT ON TABLE prepared_tickers IS
    'what each ticker''s clean prices and features were last made of, to see what has changed';
"""


def upgrade() -> None:
    """Store what models see, give models to pools, and number the changes."""
    for part in (FEATURES, UNUSED, EVENTS, CHAMPIONS, SERVING, LOG_KEYS, VERSION, BATCHES, RUNS):
        op.execute(part)
    for table in OF_BATCHES:
        op.execute(BATCH_TRIGGERS.format(table=table))
    for table in WATCHED:
        for event, rows in CHANGES:
            op.execute(TRIGGER.format(table=table, event=event, rows=rows))


def downgrade() -> None:
    """Refuse, as every migration here."""
    raise NotImplementedError("migrations only go forward: restore a backup to go back")
