"""Years of evenings of a simulated pool, in which an input foretells a known share of returns.

Prices, model sets, trials, forecasts, outcomes and looks go through the real tables and the real
code; what a run computes before it forecasts (prices and inputs of each evening) is simulated.
"""

from __future__ import annotations

import datetime as dt
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import polars as pl
import psycopg

from src.core.calendars.nse import nse
from src.core.tables import CLEAN_DAILY, FEATURES_DAILY
from src.db.connection import bulk_connection
from src.db.store import PostgresStore
from src.db.tables.model_events import EventLog
from src.db.tables.records import open_records
from src.db.tables.trials import TrialLog
from src.features import features_daily
from src.modeling.evaluation.outcomes import record_outcomes
from src.modeling.intervals.quantiles import LEVELS
from src.modeling.serving.stored_models import live_forecasts
from src.modeling.trials.looks import look_at_trials
from src.modeling.trials.shadow import shadow_forecasts
from src.registry.formats.models import LinearModel
from src.registry.lifecycle.events import Author
from src.registry.lifecycle.live_models import LiveModels
from src.registry.storage.artifact_store import ArtifactStore
from tests.support.models import make_artifact
from tests.support.prices import context, register, run
from tests.support.trials import registered_trial

FIRST = dt.date(2022, 1, 3)
# Volatility of a session's return, and the part of it that the input foretells: R2 of .8 %.
SIGMA, SKILL = 0.015, 0.09


class TrialYears:
    """A pool of some tickers whose live model is next to nothing.

    Attributes:
        returns: Simple, from each session to the next; (T, N).
        signal: What foretells them, in units of 1; (T, N).
    """

    def __init__(self, store, home, connection, tickers, sessions, seed=1):
        self.store, self.home, self.connection = store, home, connection
        self.tickers = tuple(f"S{number:03}.NS" for number in range(tickers))
        self.days = nse().sessions(FIRST, nse().ahead(FIRST, sessions + 1))[: sessions + 1]
        random = np.random.default_rng(seed)
        shape = (sessions, tickers)
        self.signal, noise = random.normal(size=(2, *shape))
        rest = np.sqrt(1 - SKILL**2)
        self.returns = SIGMA * (SKILL * self.signal + rest * noise)
        self.idle = random.normal(size=shape)
        self.records = open_records(connection)
        self.models = LiveModels(ArtifactStore(home / "models"), EventLog(connection))
        self.log = TrialLog(connection)
        self._store_prices()
        self.live = self.put_set(LinearModel(("idle",), np.array([1e-4]), 0.0), live=True)

    def _store_prices(self):
        register(self.connection, self.tickers, self.now(0))
        path = np.cumprod(1 + self.returns, axis=0)
        closes = 100 * np.vstack([np.ones(len(self.tickers)), path])
        clean = pl.concat(
            pl.DataFrame({"ticker": ticker, "date": self.days, "close": closes[:, n]})
            for n, ticker in enumerate(self.tickers)
        ).with_columns(
            *(pl.col("close").alias(name) for name in ("open", "high", "low", "adj_close")),
            volume=pl.lit(1000.0),
            source=pl.lit("yahoo"),
            return_basis=pl.lit("price"),
            action_pending=pl.lit(value=False),
            repaired_by=pl.lit(None, dtype=pl.String),
        )
        self.closes = closes
        with self.store.transaction():
            self.store.replace(CLEAN_DAILY, self.tickers, clean)
        run(features_daily.STAGE, self.context(len(self.days) - 1))
        stored = self.store.load(FEATURES_DAILY, self.tickers[:1])
        self.version = stored["features_version"][-1]

    def now(self, row):
        """Six in the evening of a session."""
        return dt.datetime.combine(self.days[row], dt.time(12, 30), dt.UTC)

    def context(self, row):
        given = context(self.store, self.home, tickers=self.tickers, now=self.now(row))
        return replace(given, models=self.models, records=self.records)

    def put_set(self, model, *, live=False, **changes):
        """The digest of a model file of the pool's short horizon, made live or only stored."""
        fields = {"model": model, "features_version": self.version, "forecasts": b""}
        if live:
            won = {"served": "ridge", "since": str(FIRST), "verdict": "better"}
            made = make_artifact(**fields | won)
            (stored,) = self.models.publish([made], Author("a test", self.now(0)))
            return stored.digest
        return self.models.store.write(make_artifact(**fields | changes)).digest

    def oracle(self, sign=1):
        """A model file that forecasts what can be known of the next return, or its opposite."""
        return self.put_set(LinearModel(("signal",), np.array([sign * SIGMA * SKILL]), 0.0))

    def copy_of_live(self):
        """The live model as a file of another digest."""
        live = self.models.store.load("NSE", "short", self.live)
        copied = replace(live, served="zero", since="", verdict="none", reason="a copy")
        return self.models.store.write(copied).digest

    def register(self, challenger, row=0, **changes):
        trial = registered_trial(
            challenger=challenger,
            registered_at=self.now(row),
            **{"reference": "live", "smallest_effect": 0.001, "max_sessions": 300} | changes,
        )
        self.log.register(trial)
        return trial

    def live_through(self, rows, every=21):
        """Forecast on the evening of each row; every so many record outcomes and look at trials."""
        for row in rows:
            self.evening(row)
            if (row + 1) % every == 0:
                self.mature(row)

    def evening(self, row, tickers=None):
        """What a run does once prices and inputs are there: its sentences about challengers."""
        given, wanted = self.context(row), tickers or self.tickers
        self.records.serving.write(self._inputs(row))
        _, problems = live_forecasts(given, "NSE", wanted)
        assert problems == [
            "There is no long model of NSE yet: run `python -m mlops.pipeline` first."
        ]
        return shadow_forecasts(given, "NSE", wanted)

    def mature(self, row):
        """Outcomes known on the evening of a row, and the looks that are due then."""
        record_outcomes(self.context(row))
        return look_at_trials(self.context(row), "NSE")

    def _inputs(self, row):
        return [
            {
                "ticker": ticker,
                "horizon": "short",
                "pool": "NSE",
                "feature_date": self.days[row],
                "features_version": self.version,
                "last_close": float(self.closes[row, n]),
                "inputs": {
                    "signal": float(self.signal[row, n]),
                    "idle": float(self.idle[row, n]),
                },
                "levels": LEVELS.tolist(),
                "quantiles": (SIGMA * np.linspace(-2, 2, len(LEVELS))).tolist(),
                "sigma": SIGMA,
                "metrics": [],
                "note": None,
                "data_source": "yahoo",
                "return_basis": "price",
                "data_hash": "d" * 64,
                "written_at": self.now(row),
            }
            for n, ticker in enumerate(self.tickers)
        ]

    def events(self, trial):
        return self.log.events(trial.hash)

    def ending(self, trial):
        """The kind of its ending; None while it runs."""
        kinds = [event.kind for event in self.events(trial)]
        ended = [kind for kind in kinds if kind not in ("looked", "failed", "promoted")]
        return ended[0] if ended else None


@contextmanager
def trial_years(url, home, tickers, sessions, seed=1):
    store = PostgresStore(bulk_connection(url))
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            yield TrialYears(store, home, connection, tickers, sessions, seed)
    finally:
        store.close()
