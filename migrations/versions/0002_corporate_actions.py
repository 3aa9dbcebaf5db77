"""The ledger of corporate actions: stated by a source, inferred from prices, or entered."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

LEDGER = """
CREATE TABLE corporate_actions (
    ticker text NOT NULL,
    date date NOT NULL,
    kind text NOT NULL CHECK (kind IN ('split', 'bonus', 'dividend', 'rights', 'demerger')),
    source text NOT NULL,
    origin text NOT NULL CHECK (origin IN ('stated', 'inferred', 'entered')),
    ratio double precision CHECK (ratio > 0),
    amount double precision CHECK (amount > 0),
    status text NOT NULL CHECK (status IN ('applied', 'pending', 'rejected')),
    decided_by text NOT NULL CHECK (decided_by IN ('rule', 'person')),
    evidence jsonb NOT NULL,
    known_at timestamptz NOT NULL,
    PRIMARY KEY (ticker, date, kind, source, origin),
    CHECK ((kind = 'dividend') = (amount IS NOT NULL))
);
COMMENT ON COLUMN corporate_actions.date IS 'the ex-date: that session trades without it';
COMMENT ON COLUMN corporate_actions.ratio IS 'shares after / shares before';
COMMENT ON COLUMN corporate_actions.amount IS
    'per share as paid, in the currency, before any split on that date or later'
"""


def upgrade() -> None:
    """Create the ledger."""
    op.execute(LEDGER)


def downgrade() -> None:
    """Refuse: dropping the ledger would lose what persons decided."""
    raise NotImplementedError("migrations only go forward: restore a backup to go back")
