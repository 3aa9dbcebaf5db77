"""Store the models that the challengers of a pool's trials were fitted as."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from src.config.load import config_hash
from src.config.version import VERSION
from src.core.errors import ForecastError
from src.core.trials import FAILED, TrialEvent
from src.db.tables.shadow_models import ShadowModels
from src.db.tables.trials import TrialLog
from src.features import catalogue
from src.modeling.trials.challengers import (
    ChallengerFailed,
    Fitted,
    FittedChallenger,
    failed,
    with_overrides,
)
from src.registry.formats.models import same_model
from src.registry.storage.artifact import Artifact
from src.registry.storage.files import only_writer

if TYPE_CHECKING:
    from src.core.trials import Trial
    from src.modeling.panel.panel import Panel
    from src.modeling.serving.pool_data import PoolMembers
    from src.registry.storage.artifact_store import ArtifactStore
    from src.stages.stage import RunContext


def running_trials(context: RunContext, pool: str | None = None) -> list[Trial]:
    """The trials of a pool, or of all, that runs forecast for; none where this writes nothing."""
    if context.records is None or context.models is None:
        return []
    return TrialLog(context.records.connection).running(pool)


def trials_to_fit(context: RunContext) -> list[Trial]:
    """As ``running_trials``; none where they cannot be read, which the forecasts will tell of."""
    try:
        return running_trials(context)
    except ForecastError:
        return []


def store_challengers(
    context: RunContext,
    members: PoolMembers,
    trials: Sequence[Trial],
    fits: Mapping[str, Fitted],
    panel: Panel,
) -> list[str]:
    """Store the newest models of challengers; a sentence for each that has none."""
    problems = []
    for trial in trials:
        fitted = fits.get(trial.hash)
        if fitted is None:
            continue
        try:
            if isinstance(fitted, ChallengerFailed):
                raise fitted
            _store(context, members, fitted, panel)
        except Exception as error:
            problems.append(record_failure(context, trial, error))
    return problems


def record_failure(context: RunContext, trial: Trial, error: Exception) -> str:
    """Keep that a challenger failed, once a session; the sentence of it."""
    assert context.records is not None  # noqa: S101 trials run in live runs alone
    sentence = str(failed(trial, error))
    TrialLog(context.records.connection).add_event(
        TrialEvent(
            trial.hash,
            context.now,
            FAILED,
            context.run_id,
            sentence,
            session=context.calendar.last_closed(context.now),
        )
    )
    return sentence


def _store(
    context: RunContext, members: PoolMembers, fitted: FittedChallenger, panel: Panel
) -> None:
    """Store a model unless the trial's newest is the same."""
    assert context.records is not None and context.models is not None  # noqa: S101, PT018
    store, models = context.models.store, ShadowModels(context.records.connection)
    artifact = _artifact(context, members, fitted, panel)
    newest = models.digests(members.pool).get(fitted.trial.hash)
    if newest is not None and _is_same(store, newest, artifact):
        return
    with only_writer(store.root):
        digest = store.write(artifact).digest
        session: dt.date = panel.sessions[panel.last_complete].item()
        models.add(fitted.trial.hash, digest, session, context.now)


def _is_same(store: ArtifactStore, digest: str, artifact: Artifact) -> bool:
    try:
        stored = store.load(*artifact.pair, digest)
    except ForecastError:
        return False
    same = stored.features_version == artifact.features_version
    return same and same_model(stored.model, artifact.model)


def _artifact(
    context: RunContext, members: PoolMembers, fitted: FittedChallenger, panel: Panel
) -> Artifact:
    trial, row = fitted.trial, fitted.fitted_through
    settings = with_overrides(context.settings, trial)
    return Artifact(
        pool=members.pool,
        horizon=trial.horizon,
        sessions=trial.sessions,
        candidate=trial.challenger,
        model=fitted.model,
        features_version=catalogue.version(),
        trained_at=context.now.isoformat(timespec="seconds"),
        fitted_through="" if row is None else str(panel.sessions[row]),
        session=str(panel.sessions[panel.last_complete]),
        code_version=VERSION,
        data_hash=members.data_hash,
        config_hash=config_hash(settings),
        config=settings.result_settings(),
        reason=f"challenger of trial {trial.hash[:12]}",
        trials=trial.configurations,
        tickers=len(members.tickers),
    )
