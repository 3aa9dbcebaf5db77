"""Tell whether a pool must be trained: at most once per complete session, unless it differs."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from src.config.load import config_hash
from src.config.version import VERSION
from src.core.errors import ForecastError
from src.core.tables import HORIZONS
from src.features import catalogue

if TYPE_CHECKING:
    from src.modeling.panel.panel import Panel
    from src.modeling.serving.pool_data import PoolMembers
    from src.registry.lifecycle.live_models import LiveModels
    from src.stages.stage import RunContext


@dataclass(frozen=True)
class LastTraining:
    """What the newest training of a pool was made from.

    Attributes:
        basis: Hash of the settings, and versions of code and features.
        session: The last complete session, at which it was judged.
    """

    basis: tuple[str, str, str]
    data_hash: str
    session: dt.date


def last_training(context: RunContext, pool: str) -> LastTraining | None:
    """The newest training of a pool; None without one, or where its files cannot be read."""
    models = context.models
    if models is None or not _all_readable(models, pool):
        return None
    trainings = {_of_event(models, pool, horizon) for horizon in HORIZONS}
    return trainings.pop() if len(trainings) == 1 else None


def is_unchanged(context: RunContext, members: PoolMembers, previous: LastTraining | None) -> bool:
    """Whether nothing that the statistics of a pool rest on differs from its last training."""
    if previous is None or previous.basis != _basis(context):
        return False
    return previous.data_hash == members.data_hash


def is_judged(
    context: RunContext, members: PoolMembers, previous: LastTraining | None, panel: Panel
) -> bool:
    """Whether the pool was judged at this session already, by these rules and with these tickers.

    A changed history alone waits for the next session.
    """
    if previous is None or context.records is None or previous.basis != _basis(context):
        return False
    trained_with = {row["ticker"] for row in context.records.serving.of_pool(members.pool, "short")}
    session: dt.date = panel.sessions[panel.last_complete].item()
    return previous.session == session and trained_with == set(panel.tickers)


def _basis(context: RunContext) -> tuple[str, str, str]:
    return config_hash(context.settings), VERSION, catalogue.version()


def _of_event(models: LiveModels, pool: str, horizon: str) -> LastTraining | None:
    event = models.newest(pool, horizon)
    if event is None:
        return None
    facts = event.evidence
    basis = facts["config_hash"], facts["code_version"], facts["features_version"]
    return LastTraining(basis, facts["data_hash"], dt.date.fromisoformat(facts["session"]))


def _all_readable(models: LiveModels, pool: str) -> bool:
    """Whether the live models can be read, and all that the newest trainings left."""
    try:
        for horizon in HORIZONS:
            models.load(pool, horizon)
            newest = models.newest(pool, horizon)
            if newest is not None:
                models.store.forecasts(pool, horizon, newest.digest)
    except ForecastError:
        return False
    return True
