"""What happened to models, what was forecast, and what came true: written once, never changed."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

EVENTS = """
CREATE TABLE model_events (
    event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('trained', 'promoted', 'rejected', 'undecided', 'demoted',
        'versioned', 'rolled_back', 'pinned', 'unpinned')),
    ticker text NOT NULL,
    horizon text NOT NULL CHECK (horizon IN ('short', 'long')),
    digest text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
    made_live boolean NOT NULL,
    served text NOT NULL,
    verdict text NOT NULL,
    reason text NOT NULL,
    evidence jsonb NOT NULL,
    by_whom text NOT NULL,
    at timestamptz NOT NULL,
    version_tag text
);
COMMENT ON COLUMN model_events.digest IS 'SHA-256 of the manifest of the set that it is about';
COMMENT ON COLUMN model_events.made_live IS 'from this event on, that set is the one that answers';
CREATE INDEX idx_model_events_live ON model_events(ticker, horizon, event_id DESC)
    WHERE made_live;
CREATE INDEX idx_model_events_pins ON model_events(ticker, horizon, event_id DESC)
    WHERE kind IN ('pinned', 'unpinned', 'promoted');
CREATE INDEX idx_model_events_tags ON model_events(version_tag) WHERE version_tag IS NOT NULL;
"""

PREDICTIONS = """
CREATE TABLE predictions (
    ticker text NOT NULL,
    horizon text NOT NULL CHECK (horizon IN ('short', 'long')),
    feature_date date NOT NULL,
    version text NOT NULL,
    data_hash text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('served', 'shadow')),
    sessions bigint NOT NULL CHECK (sessions > 0),
    target_date date NOT NULL CHECK (target_date > feature_date),
    target_date_estimated boolean NOT NULL,
    last_close double precision NOT NULL CHECK (last_close > 0),
    model text NOT NULL,
    verdict text NOT NULL,
    point double precision NOT NULL,
    baseline text NOT NULL,
    baseline_point double precision NOT NULL,
    candidate text,
    candidate_point double precision,
    levels double precision[] NOT NULL,
    quantiles double precision[] NOT NULL,
    prob_up double precision CHECK (prob_up BETWEEN 0 AND 1),
    sigma double precision CHECK (sigma > 0),
    data_source text NOT NULL,
    return_basis text NOT NULL,
    made_at timestamptz NOT NULL,
    PRIMARY KEY (ticker, horizon, feature_date, version, data_hash),
    CHECK (cardinality(levels) = cardinality(quantiles)),
    CHECK ((candidate IS NULL) = (candidate_point IS NULL))
);
CREATE INDEX idx_predictions_target ON predictions(target_date);
COMMENT ON COLUMN predictions.point IS 'simple return over the horizon, as answered';
COMMENT ON COLUMN predictions.version IS 'SHA-256 of the manifest of the set that made it';
COMMENT ON COLUMN predictions.quantiles IS
    'of the simple return, at the levels beside them; both empty where nothing is known';
COMMENT ON COLUMN predictions.sigma IS
    'the volatility model''s standard deviation of the return over the horizon';
"""

OUTCOMES = """
CREATE TABLE prediction_outcomes (
    ticker text NOT NULL,
    horizon text NOT NULL,
    feature_date date NOT NULL,
    version text NOT NULL,
    data_hash text NOT NULL,
    matured_at timestamptz NOT NULL,
    label_end date NOT NULL,
    realised_return double precision NOT NULL,
    return_basis text NOT NULL,
    note text NOT NULL,
    PRIMARY KEY (ticker, horizon, feature_date, version, data_hash, matured_at),
    FOREIGN KEY (ticker, horizon, feature_date, version, data_hash) REFERENCES predictions
);
COMMENT ON TABLE prediction_outcomes IS
    'What came true. Prices restated later add a row; the newest one counts';
COMMENT ON COLUMN prediction_outcomes.label_end IS 'the session whose close it was measured at';
COMMENT ON COLUMN prediction_outcomes.note IS
    'how the return was adjusted: actions between the two closes, repairs, restatements'
"""

# For the statement, so that a change of no row is refused as well; ALWAYS, so that a session in
# the role of a replica is not let through.
APPEND_ONLY = """
CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_append_only;
"""


def upgrade() -> None:
    """Create the audit of models and the log of forecasts."""
    for part in (EVENTS, PREDICTIONS, OUTCOMES):
        op.execute(part)
    for table in ("model_events", "predictions", "prediction_outcomes"):
        op.execute(APPEND_ONLY.format(table=table))


def downgrade() -> None:
    """Refuse: dropping these tables would lose what nobody can make again."""
    raise NotImplementedError("migrations only go forward: restore a backup to go back")
