"""Keep trials as they were registered, and what happened to them."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

TRIALS = """
CREATE TABLE trials (
    hash text PRIMARY KEY CHECK (hash ~ '^[0-9a-f]{64}$'),
    pool text NOT NULL,
    horizon text NOT NULL CHECK (horizon IN ('short', 'long')),
    sessions bigint NOT NULL CHECK (sessions > 0),
    challenger text NOT NULL CHECK (challenger <> ''),
    settings jsonb NOT NULL,
    reference text NOT NULL CHECK (reference IN ('live', 'zero')),
    tickers text[] NOT NULL,
    loss text NOT NULL CHECK (loss IN ('absolute', 'squared')),
    smallest_effect double precision NOT NULL CHECK (smallest_effect > 0),
    look_every bigint NOT NULL CHECK (look_every > 0),
    max_sessions bigint NOT NULL CHECK (max_sessions > 0),
    promotes boolean NOT NULL,
    author text NOT NULL CHECK (author <> ''),
    reason text NOT NULL CHECK (reason <> ''),
    registered_at timestamptz NOT NULL,
    configurations bigint NOT NULL CHECK (configurations > 0)
);
CREATE INDEX idx_trials_place ON trials(pool, horizon, registered_at);
COMMENT ON TABLE trials IS
    'challengers that are compared with a reference, as registered before their first forecast';
COMMENT ON COLUMN trials.hash IS 'SHA-256 of the canonical JSON of all other columns';
COMMENT ON COLUMN trials.tickers IS 'empty for the whole pool';
COMMENT ON COLUMN trials.configurations IS
    'this one and those registered for the pool and horizon in the three years before';
"""

EVENTS = """
CREATE TABLE trial_events (
    event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hash text NOT NULL REFERENCES trials,
    at timestamptz NOT NULL,
    kind text NOT NULL CHECK (kind IN ('better', 'equivalent', 'worse', 'ran_out', 'stopped',
        'looked', 'failed', 'promoted', 'split')),
    session date CHECK (session IS NOT NULL OR kind IN ('stopped', 'promoted', 'split')),
    author text NOT NULL CHECK (author <> ''),
    reason text NOT NULL,
    evidence jsonb NOT NULL
);
CREATE INDEX idx_trial_events_hash ON trial_events(hash, event_id);
CREATE UNIQUE INDEX idx_trial_events_ending ON trial_events(hash)
    WHERE kind IN ('better', 'equivalent', 'worse', 'ran_out', 'stopped');
CREATE UNIQUE INDEX idx_trial_events_session ON trial_events(hash, kind, session)
    WHERE kind IN ('looked', 'failed');
COMMENT ON TABLE trial_events IS
    'looks at trials, how each ended, failed forecasts of challengers, promotions and splits';
COMMENT ON COLUMN trial_events.session IS
    'the newest session with outcomes of a look, or of a forecast that failed; NULL of a person''s';
"""

# For the statement, so that a change of no row is refused as well; ALWAYS, so that a session in
# the role of a replica is not let through.
APPEND_ONLY = """
CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_append_only;
"""

# What decides about a trial is not for the role of the prediction service.
READER = """
CREATE FUNCTION refuse_reader() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE insufficient_privilege USING MESSAGE = format(
        '%s: forecast_reader registers, splits and stops trials, and decides nothing of them',
        TG_TABLE_NAME);
END $$;
CREATE TRIGGER trials_reader BEFORE INSERT ON trials FOR EACH ROW
    WHEN (current_user = 'forecast_reader' AND NEW.promotes) EXECUTE FUNCTION refuse_reader();
CREATE TRIGGER trial_events_reader BEFORE INSERT ON trial_events FOR EACH ROW
    WHEN (current_user = 'forecast_reader' AND NEW.kind NOT IN ('stopped', 'split'))
    EXECUTE FUNCTION refuse_reader();
"""

WATCHED = """
CREATE TRIGGER {table}_insert AFTER INSERT ON {table} REFERENCING NEW TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION bump_data_version();
"""


def upgrade() -> None:
    """Add the tables."""
    op.execute(TRIALS)
    op.execute(EVENTS)
    op.execute(READER)
    for table in ("trials", "trial_events"):
        op.execute(APPEND_ONLY.format(table=table))
        op.execute(WATCHED.format(table=table))


def downgrade() -> None:
    """Refuse: dropping these tables would lose what nobody can make again."""
    raise NotImplementedError("migrations only go forward: restore a backup to go back")
