"""A small installation in which everything is as it should be, to break one thing at a time."""

import datetime as dt

import psycopg

from src.config.settings import Settings
from src.monitoring.checks.run import observe
from tests.support.models import both_horizons
from tests.support.registries import Place

# Thursday 16 April 2026, a session, 18:30 in India.
NOW = dt.datetime(2026, 4, 16, 13, 0, tzinfo=dt.UTC)
SESSION = dt.date(2026, 4, 16)
TICKERS = ("INFY.NS", "RELIANCE.NS", "TCS.NS")
CHANNEL = "json://localhost:9"


class Installation:
    """Three tickers with features of the newest session, a model of each horizon, and a run.

    Attributes:
        now: Given to the checks as the time.
    """

    def __init__(self, url, home, tickers=TICKERS):
        self.url, self.home, self.tickers = url, home, tuple(tickers)
        self.now = NOW
        self.overrides = {}
        Place(url, home).publish(
            both_horizons(
                session=str(SESSION), fitted_through="2026-04-09", trained_at=NOW.isoformat()
            )
        )
        with psycopg.connect(url) as connection:
            for ticker in self.tickers:
                self._add(connection, ticker)
            self._add_run(connection)

    @property
    def settings(self):
        monitoring = {"alert_urls": [CHANNEL], **self.overrides}
        return Settings(home=self.home, database_url=self.url, monitoring=monitoring, now=self.now)

    def execute(self, statement, *parameters):
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(statement, parameters)

    def observed(self, settings=None):
        """Every observation by rule and subject."""
        rows = observe(settings or self.settings, self.now)
        found = {(row.rule, row.subject): row for row in rows}
        assert len(found) == len(rows)
        return found

    def bad(self, settings=None):
        """Rule and subject of what is bad."""
        return {key for key, row in self.observed(settings).items() if row.bad}

    def _add(self, connection, ticker):
        connection.execute(
            "INSERT INTO pool_members (ticker, pool, newest_session, last_close, source, "
            "return_basis, features_version, data_hash) "
            "VALUES (%s, 'NSE', %s, 3000, 'yahoo', 'total', 'v1', %s)",
            (ticker, SESSION, "d" * 64),
        )
        (batch,) = connection.execute(
            "INSERT INTO ingest_batches (ticker, kind, source, layout, price_basis, content_hash, "
            "fetched_at, fetched_at_stated, origin, rows_delivered, rows_rejected, notes) VALUES "
            "(%s, 'daily', 'yahoo', 'yahoo', 'split', 'one', now(), false, 'a test', 1, 0, '') "
            "RETURNING batch_id",
            (ticker,),
        ).fetchone()
        connection.execute(
            "INSERT INTO raw_daily_prices (ticker, date, source, close, batch_id, first_seen) "
            "VALUES (%s, '2026-04-13', 'yahoo', 3000, %s, now())",
            (ticker, batch),
        )
        for day in (dt.date(2026, 4, 13), dt.date(2026, 4, 15), SESSION):
            add_features(connection, ticker, day)

    def _add_run(self, connection, run_id="20260416_123000"):
        connection.execute(
            "INSERT INTO pipeline_runs (run_id, command, status, live, started_at, finished_at, "
            "host, pid) VALUES (%s, 'pipeline', 'success', true, %s, %s, 'here', 1)",
            (run_id, NOW - dt.timedelta(minutes=30), NOW - dt.timedelta(minutes=25)),
        )
        for ticker in self.tickers:
            connection.execute(
                "INSERT INTO run_tickers VALUES (%s, %s, %s, 'success', NULL, NULL)",
                (run_id, ticker, SESSION),
            )


def add_features(connection, ticker, day):
    """One whole row of features."""
    connection.execute(
        "INSERT INTO features_daily (ticker, date, close, adj_close, log_return, variance, "
        "action_pending, warm_up, source, return_basis, features_version, inputs) "
        "VALUES (%s, %s, 3000, 3000, 0, .0001, false, false, 'yahoo', 'total', 'v1', '{1,2}')",
        (ticker, day),
    )
