"""What all checks look at: the database's state, read at most once each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from src.core.tables import HORIZONS

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.core.model_events import ModelEvent, Pair
    from src.db.reconnect import Connection
    from src.db.tables.source_pace import SourcePause
    from src.db.watched.data_state import Fit, Member, Training
    from src.db.watched.run_state import RunState
    from src.db.watched.server_state import ServerState

# Seconds for one statement: what takes longer is not measured, and said to be so.
PATIENCE = 10


@dataclass(frozen=True)
class ModelFacts:
    """The live model of one pool and horizon.

    Attributes:
        live: The event that made it live; None where none is.
        is_missing: Whether its files are gone.
        problem: Why its files cannot be used; empty where they can.
        fit: When it was trained and fitted; None where that is not known.
        training: The newest training of the pool, live or not; None before the first.
    """

    pool: str
    horizon: str
    live: ModelEvent | None
    is_missing: bool
    problem: str
    fit: Fit | None
    training: Training | None

    @property
    def subject(self) -> str:
        """Such as ``NSE/short``."""
        return f"{self.pool}/{self.horizon}"

    @property
    def fitted_on(self) -> dt.date | None:
        """The last session that the fit saw; of a model without a fit the day of its training."""
        if self.fit is None:
            return None
        trained = self.fit.trained_at
        return self.fit.fitted_through or (trained.date() if trained else None)


@dataclass(frozen=True)
class Facts:
    """Reads what a check needs over one open autocommit connection.

    Attributes:
        now: An aware time.
        url: Of the database.
    """

    settings: Settings
    now: dt.datetime
    url: str
    connection: Connection

    @cached_property
    def server(self) -> ServerState:
        """How the server does."""
        from src.db.watched.server_state import server_state

        return server_state(self.url)

    @cached_property
    def stored(self) -> list[Member]:
        """Every ticker of a pool."""
        from src.db.watched.data_state import members

        return members(self.connection)

    @cached_property
    def members(self) -> list[Member]:
        """Those that are watched: the synthetic one only where there is no other."""
        from src.core.pools import SAMPLE_POOL

        return [row for row in self.stored if row.pool != SAMPLE_POOL] or self.stored

    @cached_property
    def tickers(self) -> list[str]:
        """Their names."""
        return [row.ticker for row in self.members]

    @property
    def pools(self) -> dict[str, str]:
        """The pool of each of them."""
        return {row.ticker: row.pool for row in self.members}

    @cached_property
    def runs(self) -> RunState:
        """How runs go."""
        from src.db.watched.run_state import run_state

        return run_state(self.connection)

    @cached_property
    def sources(self) -> dict[str, SourcePause | None]:
        """Every source that was ever asked, with its pause if it refuses requests."""
        from src.db.tables.source_pace import source_pauses

        return source_pauses(self.connection)

    @cached_property
    def models(self) -> list[ModelFacts]:
        """What is live for every pool and horizon."""
        return _read_models(self)

    @cached_property
    def quality(self) -> dict[str, dict[str, Any]]:
        """The newest scores of data quality by ticker, of all together under the empty name."""
        from src.db.watched.quality import QualityScores

        return QualityScores(self.connection).latest()

    @cached_property
    def drift(self) -> list[dict[str, Any]]:
        """The newest measures of drift, with ``drift.COLUMNS``."""
        from src.db.watched.drift import DriftTables

        return DriftTables(self.connection).latest()

    def sessions_ago(self, sessions: int) -> dt.date:
        """The session that closed so many sessions before the last one, on NSE.

        What is recent does not depend on the days by which calendars of exchanges differ.
        """
        from src.core.calendars.nse import nse

        day = nse().last_closed(self.now)
        for _ in range(sessions):
            day = nse().previous_session(day)
        return day


def _read_models(facts: Facts) -> list[ModelFacts]:
    """The models that should be there: of every pool with features, or with a live model."""
    from src.db.tables.model_events import EventLog
    from src.db.watched.data_state import fits, trainings
    from src.registry.lifecycle.state import live_states

    live = {
        pair: state.live
        for pair, state in live_states(EventLog(facts.connection).decisive()).items()
        if state.live.pool
    }
    pools = sorted({member.pool for member in facts.members})
    pairs = [(pool, horizon) for pool in pools for horizon in HORIZONS]
    newest = {(row.pool, row.horizon): row for row in trainings(facts.connection)}
    fitted = {
        row.digest: row for row in fits(facts.connection, [event.digest for event in live.values()])
    }
    return [_model(facts, pair, live.get(pair), fitted, newest.get(pair)) for pair in pairs]


def _model(
    facts: Facts,
    pair: Pair,
    live: ModelEvent | None,
    fitted: Mapping[str, Fit],
    training: Training | None,
) -> ModelFacts:
    is_missing, problem = _problem(facts, pair, live)
    fit = fitted.get(live.digest) if live else None
    return ModelFacts(*pair, live, is_missing, problem, fit, training)


def _problem(facts: Facts, pair: Pair, live: ModelEvent | None) -> tuple[bool, str]:
    from src.registry.storage.artifact import CorruptArtifact
    from src.registry.storage.artifact_store import ArtifactStore

    if live is None:
        sentence = f"There is no live {pair[1]} model of {pair[0]}: run `python -m mlops.pipeline`."
        return True, sentence
    store = ArtifactStore.of(facts.settings)
    try:
        store.load(*pair, live.digest)
        # What reports and pages read: nothing is served from it.
        store.forecasts(*pair, live.digest)
    except CorruptArtifact as error:
        is_there = (store.root / pair[0] / pair[1] / live.digest).is_dir()
        return not is_there, str(error)
    return False, ""
