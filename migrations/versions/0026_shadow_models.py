"""Name the models that trials forecast with, and find shadow forecasts by trial."""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

MODELS = """
CREATE TABLE shadow_models (
    shadow_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hash text NOT NULL REFERENCES trials,
    digest text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
    session date NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX idx_shadow_models_newest ON shadow_models(hash, shadow_id DESC);
COMMENT ON TABLE shadow_models IS
    'the model sets that the challengers of trials were fitted as; the newest one forecasts';
COMMENT ON COLUMN shadow_models.session IS 'the last complete session when it was fitted';
CREATE TRIGGER shadow_models_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON shadow_models
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE shadow_models ENABLE ALWAYS TRIGGER shadow_models_append_only;
CREATE TRIGGER shadow_models_insert AFTER INSERT ON shadow_models
    REFERENCING NEW TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION bump_data_version();
"""

# A challenger that was better is kept until a person makes it live.
CHALLENGERS = """
CREATE VIEW trial_challengers AS
SELECT t.hash, t.pool, t.horizon,
    CASE WHEN t.challenger ~ '^[0-9a-f]{64}$' THEN t.challenger ELSE (
        SELECT digest FROM shadow_models s WHERE s.hash = t.hash ORDER BY shadow_id DESC LIMIT 1
    ) END AS digest,
    e.kind IS NULL AS running
FROM trials t
LEFT JOIN trial_events e ON e.hash = t.hash
    AND e.kind IN ('better', 'equivalent', 'worse', 'ran_out', 'stopped')
WHERE e.kind IS NULL OR e.kind = 'better' AND NOT EXISTS (
    SELECT FROM trial_events p WHERE p.hash = t.hash AND p.kind = 'promoted');
COMMENT ON VIEW trial_challengers IS
    'the model set of each trial that runs or was better and is not live yet; NULL before its first'
"""

# Shadow forecasts are few beside those that were served.
INDEXES = """
CREATE INDEX idx_predictions_shadow ON predictions(version, feature_date) WHERE kind = 'shadow';
CREATE INDEX idx_outcomes_shadow ON prediction_outcomes(version, feature_date)
    WHERE kind = 'shadow';
"""


def upgrade() -> None:
    """Add the table, the view and the indexes."""
    for part in (MODELS, CHALLENGERS, INDEXES):
        op.execute(part)


def downgrade() -> None:
    """Refuse: dropping the table would lose what nobody can make again."""
    raise NotImplementedError("migrations only go forward: restore a backup to go back")
