"""Facts of all instruments, changes of symbols, and whether a share is traded."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

FACTS = """
ALTER TABLE instruments
    ADD COLUMN isin text,
    ADD COLUMN face_value double precision,
    ADD COLUMN series text,
    ADD COLUMN source text,
    ADD COLUMN stated_at timestamptz;
CREATE TABLE instrument_history (
    ticker text NOT NULL,
    name text,
    listed_on date,
    isin text,
    face_value double precision,
    series text,
    source text,
    stated_at timestamptz NOT NULL,
    PRIMARY KEY (ticker, stated_at)
);
COMMENT ON TABLE instrument_history IS 'What was stated of each instrument, whenever it was new';
"""

STATEMENTS = """
CREATE TABLE symbol_changes (
    ticker text NOT NULL,
    date date NOT NULL,
    new_ticker text NOT NULL CHECK (new_ticker <> ticker),
    is_undone boolean NOT NULL,
    source text NOT NULL,
    stated_at timestamptz NOT NULL,
    PRIMARY KEY (ticker, date, stated_at)
);
COMMENT ON COLUMN symbol_changes.date IS 'the first day under the new symbol';

CREATE TABLE instrument_states (
    ticker text NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'suspended', 'delisted')),
    date date NOT NULL,
    reason text NOT NULL,
    stated_by text NOT NULL,
    stated_at timestamptz NOT NULL,
    PRIMARY KEY (ticker, stated_at)
);
COMMENT ON COLUMN instrument_states.date IS 'the first day of the state';
"""

APPEND_ONLY = """
CREATE TRIGGER {table}_rows BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER {table}_whole BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

# Rows are stored under the symbol that they came under; whose they are is decided by the date. A
# symbol that changed twice on different days leads on from day to day, so that there is an end.
SPANS = """
CREATE FUNCTION ticker_spans(known_at timestamptz DEFAULT 'infinity')
RETURNS TABLE (symbol text, days daterange, ticker text) LANGUAGE sql STABLE AS $$
WITH RECURSIVE newest AS (
    SELECT DISTINCT ON (c.ticker, c.date) c.ticker, c.date, c.new_ticker, c.is_undone
    FROM symbol_changes c WHERE c.stated_at <= known_at
    ORDER BY c.ticker, c.date, c.stated_at DESC
), changes AS (
    SELECT n.ticker, n.date, n.new_ticker,
        lag(n.date) OVER (PARTITION BY n.ticker ORDER BY n.date) AS since
    FROM newest n WHERE NOT n.is_undone
), chains AS (
    SELECT c.ticker AS symbol, c.since, c.date AS until, c.new_ticker AS ticker, c.date AS at
    FROM changes c
    UNION ALL
    SELECT h.symbol, h.since, h.until, c.new_ticker, c.date FROM chains h
    JOIN changes c ON c.ticker = h.ticker AND c.date > h.at
        AND (c.since IS NULL OR c.since <= h.at)
)
(SELECT DISTINCT ON (h.symbol, h.until) h.symbol, daterange(h.since, h.until), h.ticker
    FROM chains h ORDER BY h.symbol, h.until, h.at DESC)
UNION ALL
SELECT c.ticker, daterange(max(c.date), NULL), c.ticker FROM changes c GROUP BY c.ticker
$$;
COMMENT ON FUNCTION ticker_spans IS
    'Whose the rows under a symbol are that was changed once: by days, the ticker of today';

CREATE VIEW stored_tickers AS
SELECT coalesce(s.ticker, b.ticker) AS ticker, bool_and(b.is_real) AS is_real
FROM (SELECT ticker, bool_and(source <> 'sample') AS is_real FROM ingest_batches
    GROUP BY ticker) b
LEFT JOIN ticker_spans() s ON s.symbol = b.ticker AND (
    EXISTS (SELECT FROM raw_daily_prices r WHERE r.ticker = s.symbol AND r.date <@ s.days)
    OR EXISTS (SELECT FROM raw_hourly_prices r
        WHERE r.ticker = s.symbol AND (r.ts AT TIME ZONE 'UTC')::date <@ s.days))
GROUP BY 1;
COMMENT ON VIEW stored_tickers IS 'The tickers of today that stored prices belong to';

CREATE VIEW current_states AS
SELECT DISTINCT ON (ticker) ticker, state, date, reason, stated_by, stated_at
FROM instrument_states ORDER BY ticker, stated_at DESC;
COMMENT ON VIEW current_states IS 'The state stated last; a share without one is active';
"""


def upgrade() -> None:
    """Widen the instruments, and create what is stated of them."""
    op.execute(FACTS)
    op.execute(STATEMENTS)
    for table in ("instrument_history", "symbol_changes", "instrument_states"):
        op.execute(APPEND_ONLY.format(table=table))
    op.execute(SPANS)


def downgrade() -> None:
    """Refuse, as every migration here."""
    raise NotImplementedError("migrations only go forward: restore a backup to go back")
