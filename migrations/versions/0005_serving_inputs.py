"""What live models are asked with: the newest of each, so that an answer costs one row."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE serving_inputs (
    ticker text NOT NULL,
    horizon text NOT NULL CHECK (horizon IN ('short', 'long')),
    digest text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
    feature_date date NOT NULL,
    features_version text NOT NULL,
    last_close double precision NOT NULL CHECK (last_close > 0),
    inputs jsonb NOT NULL,
    levels double precision[] NOT NULL,
    quantiles double precision[] NOT NULL,
    sigma double precision CHECK (sigma > 0),
    data_source text NOT NULL,
    return_basis text NOT NULL,
    data_hash text NOT NULL,
    written_at timestamptz NOT NULL,
    PRIMARY KEY (ticker, horizon, digest)
);
COMMENT ON COLUMN serving_inputs.digest IS 'the model that is asked';
COMMENT ON COLUMN serving_inputs.inputs IS 'values that its forecast is made from, by name';
COMMENT ON COLUMN serving_inputs.quantiles IS 'of the simple return from feature_date';
"""

# Whoever serves forecasts listens, and reads anew what it has kept of that ticker.
NOTIFY = """
CREATE FUNCTION notify_serving() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('serving', NEW.ticker);
    RETURN NULL;
END $$;
CREATE TRIGGER serving_inputs_changed AFTER INSERT OR UPDATE ON serving_inputs
    FOR EACH ROW EXECUTE FUNCTION notify_serving();
CREATE TRIGGER model_events_made_live AFTER INSERT ON model_events
    FOR EACH ROW WHEN (NEW.made_live) EXECUTE FUNCTION notify_serving();
"""


def upgrade() -> None:
    """Make the table and the notices."""
    op.execute(TABLE)
    op.execute(NOTIFY)


def downgrade() -> None:
    """Refuse, as every migration here."""
    raise NotImplementedError("migrations only go forward: restore a backup to go back")
