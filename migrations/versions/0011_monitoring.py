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

ALERTS = """
CREATE TABLE alerts (
    rule text NOT NULL,
    subject text NOT NULL,
    alert_group text NOT NULL,
    state text NOT NULL CHECK (state IN ('pending', 'firing', 'unknown', 'resolved')),
    since timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    sentence text NOT NULL,
    value double precision,
    measured_at timestamptz NOT NULL,
    fired_at timestamptz,
    good_since timestamptz,
    resolved_at timestamptz,
    silenced boolean NOT NULL,
    told_at timestamptz,
    PRIMARY KEY (rule, subject)
);
COMMENT ON TABLE alerts IS
    'conditions that hold, can no longer be measured (unknown), or ended in the last week';
COMMENT ON COLUMN alerts.alert_group IS 'the cause that one message tells of, or the subject';

CREATE TABLE alert_groups (
    rule text NOT NULL,
    name text NOT NULL,
    fingerprint text NOT NULL UNIQUE,
    severity text NOT NULL CHECK (severity IN ('INFO', 'WARNING', 'CRITICAL')),
    since timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    told_at timestamptz,
    told_severity text NOT NULL CHECK (told_severity IN ('INFO', 'WARNING', 'CRITICAL')),
    PRIMARY KEY (rule, name)
);
COMMENT ON TABLE alert_groups IS 'live alerts of one rule and cause, and what was told of them';

CREATE TABLE alert_acknowledgements (
    fingerprint text PRIMARY KEY,
    person text NOT NULL,
    at timestamptz NOT NULL,
    note text NOT NULL
);
COMMENT ON TABLE alert_acknowledgements IS 'who takes care of a group; gone when it is resolved';

CREATE TABLE alert_silences (
    silence_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule text NOT NULL,
    subject text NOT NULL,
    reason text NOT NULL CHECK (reason <> ''),
    person text NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL
);
COMMENT ON TABLE alert_silences IS 'what is not told for a time; patterns with * for any text';
"""

OUTBOX = """
CREATE TABLE alert_messages (
    message_id text PRIMARY KEY,
    fingerprint text NOT NULL,
    rule text NOT NULL,
    kind text NOT NULL,
    severity text NOT NULL CHECK (severity IN ('INFO', 'WARNING', 'CRITICAL')),
    at timestamptz NOT NULL,
    title text NOT NULL,
    body text NOT NULL
);
CREATE INDEX idx_alert_messages_at ON alert_messages(at);
COMMENT ON TABLE alert_messages IS 'what channels are to tell, each message at least once';

CREATE TABLE alert_deliveries (
    message_id text NOT NULL REFERENCES alert_messages ON DELETE CASCADE,
    channel text NOT NULL,
    status text NOT NULL CHECK (status IN ('waiting', 'delivered', 'given_up')),
    attempts integer NOT NULL DEFAULT 0,
    next_at timestamptz,
    PRIMARY KEY (message_id, channel)
);
CREATE INDEX idx_alert_deliveries_waiting ON alert_deliveries(next_at) WHERE status = 'waiting';
COMMENT ON COLUMN alert_deliveries.next_at IS
    'not to be tried before: after a failure, and while a process is trying; NULL for at once';

CREATE TABLE alert_attempts (
    message_id text NOT NULL REFERENCES alert_messages ON DELETE CASCADE,
    channel text NOT NULL,
    number integer NOT NULL,
    at timestamptz NOT NULL,
    seconds double precision NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('delivered', 'failed', 'no_answer')),
    reason text NOT NULL,
    PRIMARY KEY (message_id, channel, number)
);
COMMENT ON COLUMN alert_attempts.outcome IS 'no_answer: it may have been delivered all the same';
"""

# Jumps that wait for a decision are few, among millions of rows.
PENDING = """
CREATE INDEX idx_clean_pending ON raw_daily_prices_clean(ticker, date) WHERE action_pending;
"""


def upgrade() -> None:
    """Add the tables."""
    op.execute(QUALITY)
    op.execute(PENDING)
    op.execute(DRIFT)
    op.execute(ALERTS)
    op.execute(OUTBOX)


def downgrade() -> None:
    """Refuse, as every migration here."""
    raise NotImplementedError("migrations only go forward: restore a backup to go back")
