"""Runs that people ask for, on a page or in another program, and how far each of them is."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

REQUESTS = """
CREATE TABLE run_requests (
    request_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    idempotency_key text NOT NULL UNIQUE,
    kind text NOT NULL CHECK (kind IN ('full', 'data')),
    tickers text[] CHECK (cardinality(tickers) > 0),
    source text NOT NULL CHECK (source IN ('stored', 'yahoo', 'sample', 'csv')),
    path text CHECK ((path IS NOT NULL) = (source = 'csv')),
    person text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    status text NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'running', 'success',
        'partial', 'failed', 'cancelled', 'interrupted')),
    run_id text,
    stage text,
    tickers_done integer NOT NULL DEFAULT 0,
    tickers_total integer NOT NULL DEFAULT 0,
    started_at timestamptz,
    ended_at timestamptz,
    cancel_requested_at timestamptz,
    error text
);
CREATE INDEX idx_run_requests_status ON run_requests(status) WHERE status IN ('waiting', 'running');
CREATE INDEX idx_run_requests_run ON run_requests(run_id);
COMMENT ON COLUMN run_requests.kind IS
    'full trains, data forecasts with the stored models';
COMMENT ON COLUMN run_requests.tickers IS 'sorted; NULL for all';
COMMENT ON COLUMN run_requests.path IS 'a file or folder, on the machine that runs it';
COMMENT ON COLUMN run_requests.status IS
    'running without the advisory lock of its id: the process has died';
COMMENT ON COLUMN run_requests.stage IS 'what is under way';
"""


def upgrade() -> None:
    """Create the table."""
    op.execute(REQUESTS)


def downgrade() -> None:
    """Refuse, as every migration here."""
    raise NotImplementedError("migrations only go forward: restore a backup to go back")
