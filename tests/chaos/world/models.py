"""The models of a world: what is live, and two challengers on trial.

Forecasts of each can be computed by hand. One trial goes on for ever. The other has a record by
which its challenger is better on the third evening, and is promoted by a run then.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg

from src.core.trials import Trial
from src.db.tables.model_events import EventLog
from src.modeling.trials.register import register
from src.registry.formats.models import LinearModel
from src.registry.lifecycle.events import Author
from src.registry.lifecycle.publish import publish
from src.registry.storage.artifact_store import MODELS, ArtifactStore
from src.registry.storage.files import only_writer
from tests.chaos.world import prices
from tests.support.models import make_artifact, winner

if TYPE_CHECKING:
    from tests.chaos.world.world import World

SESSIONS = {"short": 1, "long": 63}
# A verdict takes 250 sessions with outcomes; the record has so many before the first evening.
RECORD = 248


@dataclass(frozen=True)
class Weights:
    """A linear model: what it forecasts from, and an intercept."""

    weights: Mapping[str, float]
    intercept: float

    def forecast(self, inputs: Mapping[str, Any]) -> float:
        """What it forecasts from inputs of a ticker."""
        return self.intercept + sum(weight * inputs[name] for name, weight in self.weights.items())

    def model(self) -> LinearModel:
        """It as one that can be stored."""
        return LinearModel(tuple(self.weights), np.array([*self.weights.values()]), self.intercept)


LIVE = Weights({"ret_lag1_s": 0.001, "ret_lag2_s": -0.002}, 0.0007)
PROMOTED = Weights({"ret_lag1_s": -0.003}, 0.0002)
ON_TRIAL = Weights({"ret_lag2_s": 0.004}, -0.0003)

# Beside what a run served on the first evening, the same of so many sessions before it: by a
# challenger that knew a part of each return, and by a live model that knew nothing.
_RECORD = """
INSERT INTO predictions
SELECT (jsonb_populate_record(p, jsonb_build_object(
    'feature_date', d.date, 'target_date', d.label_end, 'last_close', f.close,
    'made_at', d.date + time '12:30' AT TIME ZONE 'UTC',
    'kind', k.kind, 'version', coalesce(k.version, p.version),
    'point', CASE k.kind WHEN 'shadow' THEN 0.09 * d.target ELSE 0.000001 END
))).*
FROM predictions p
JOIN (SELECT *, row_number() OVER (PARTITION BY ticker ORDER BY date DESC) AS age
    FROM dataset_short) d USING (ticker)
JOIN features_daily f ON f.ticker = d.ticker AND f.date = d.date
CROSS JOIN (VALUES ('served', NULL), ('shadow', %s)) k(kind, version)
WHERE p.horizon = 'short' AND p.kind = 'served' AND d.age <= %s
"""


def put_models(world: World) -> None:
    """Make a model live at each horizon whose forecasts differ from zero, and register trials."""
    ((version,),) = world.query("SELECT DISTINCT features_version FROM pool_members")
    live = [
        winner(model=LIVE.model(), horizon=name, sessions=sessions, features_version=version)
        for name, sessions in SESSIONS.items()
    ]
    store = ArtifactStore(Path(world.home) / MODELS)
    with psycopg.connect(world.url, autocommit=True) as connection:
        publish(store, EventLog(connection), live, Author("a test", world.now))
        for weights, promotes in ((PROMOTED, True), (ON_TRIAL, False)):
            challenger = make_artifact(model=weights.model(), features_version=version)
            with only_writer(store.root):
                digest = store.write(challenger).digest
            trial = register(connection, store, _trial(digest, promotes=promotes))
            if promotes:
                connection.execute(_RECORD, (trial.candidate_version, RECORD))


def _trial(challenger: str, *, promotes: bool) -> Trial:
    years = 2 if promotes else 0
    return Trial(
        pool="NSE",
        horizon="short",
        sessions=SESSIONS["short"],
        challenger=challenger,
        reference="live",
        loss="absolute",
        smallest_effect=0.001,
        look_every=1,
        max_sessions=400,
        author="a test",
        reason="it looked good on paper",
        registered_at=prices.evening(prices.START) - dt.timedelta(days=365 * years),
        promotes=promotes,
    )


def weights_by_digest(world: World) -> dict[str, Weights]:
    """The models that have been live, by their digests."""
    rows = world.query("SELECT digest, reason FROM model_events WHERE made_live")
    return {digest: PROMOTED if reason.startswith("trial ") else LIVE for digest, reason in rows}
