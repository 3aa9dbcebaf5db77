"""A small pool whose prices arrive session by session, with runs after the close.

A run is what the pipeline does from clean prices on: features, then training or the stored
models, then the outcomes that have come due.
"""

from __future__ import annotations

import datetime as dt
from contextlib import contextmanager
from dataclasses import replace

import polars as pl
import psycopg

from mlops.deployment import DeploymentManager
from src.config.load import load_settings
from src.core.tables import CLEAN_DAILY
from src.db.connection import bulk_connection
from src.db.store import PostgresStore
from src.db.tables.model_events import EventLog
from src.db.tables.records import open_records
from src.features import features_daily
from src.modeling.evaluation.outcomes import record_outcomes
from src.modeling.serving import stored_models
from src.modeling.training import stage as train
from src.registry.lifecycle.live_models import LiveModels
from src.registry.storage.artifact_store import ArtifactStore
from tests.support.prices import context, register, run

SETTINGS = {"training": {"min_train_rows": 60}}


def after_close(day: dt.date) -> dt.datetime:
    """Six in the evening of a session, in India."""
    return dt.datetime.combine(day, dt.time(12, 30), tzinfo=dt.UTC)


def clean_rows(days, prices, tickers) -> pl.DataFrame:
    """Rows of the clean daily table of (T, N) prices, without a dividend so far."""
    return pl.concat(
        pl.DataFrame(
            {
                "ticker": ticker,
                "date": days,
                **{name: getattr(prices, name)[:, n] for name in ("open", "high", "low", "close")},
                "volume": prices.volume[:, n],
                "adj_close": prices.close[:, n],
                "source": "yahoo",
                "return_basis": "total",
                "action_pending": False,
                "repaired_by": pl.Series([None] * len(days), dtype=pl.String),
            }
        )
        for n, ticker in enumerate(tickers)
    )


class DailyRuns:
    """Runs on a database and a home of the test's own."""

    def __init__(self, url, home, store, connection):
        self.url, self.home, self.store, self.connection = url, home, store, connection
        self.records = open_records(connection)
        self.page = ""
        self.models = LiveModels(ArtifactStore(home / "models"), EventLog(connection))

    def register(self, tickers, day):
        """Let these tickers be known as ones that prices are stored of, so that they are pooled."""
        register(self.connection, tickers, after_close(day))

    def context(self, tickers, day, **changes):
        given = context(self.store, self.home, tickers=tickers, now=after_close(day), **SETTINGS)
        return replace(given, models=self.models, records=self.records, **changes)

    def store_prices(self, clean):
        """Make these the clean prices, and compute their features."""
        tickers = tuple(clean["ticker"].unique().sort())
        given = self.context(tickers, clean["date"].max())
        with self.store.transaction():
            self.store.replace(CLEAN_DAILY, tickers, clean)
        run(features_daily.STAGE, given)

    def run_after_close(self, tickers, day, *, training=False):
        """The forecasts of a run for tickers, the next session's first, and their outcomes.

        Training leaves its ``page``.
        """
        given = self.context(tuple(tickers), day)
        if training:
            report = run(train.STAGE, given)
            self.page = report.files.get("report.html", self.page)
        else:
            report = stored_models.run(given)
            assert report.warnings == ()
        return report.details["forecasts"], record_outcomes(given)

    def manager(self, day):
        overrides = {
            "home": self.home,
            "database_url": self.url,
            "now": after_close(day),
            **SETTINGS,
        }
        return DeploymentManager(load_settings(None, overrides, env_file=None))

    def row(self, ticker, horizon):
        """The stored inputs of a ticker."""
        (row,) = self.records.serving.read([ticker], horizon)
        return row

    def pool_row(self, horizon, pool="NSE"):
        """What the live model needs of the pool."""
        digest = self.models.state(pool, horizon).live.digest
        return self.records.serving.read_pool(pool, horizon, digest)


@contextmanager
def daily_runs(url, home):
    store = PostgresStore(bulk_connection(url))
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            yield DailyRuns(url, home, store, connection)
    finally:
        store.close()
