"""Make the trained models of a pool live, and find who was served before them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from src.core.errors import ForecastError
from src.core.model_events import is_of_trial, pin_end, pinned_name
from src.modeling.experiment.promotion import Champion
from src.modeling.serving.pool_inputs import pool_row_of
from src.registry.formats.models import same_model
from src.registry.lifecycle.events import Author, replaces_pinned
from src.registry.storage.artifact import NoModel, SignatureRefused

if TYPE_CHECKING:
    from src.core.model_events import ModelEvent
    from src.registry.lifecycle.live_models import LiveModels
    from src.registry.storage.artifact import Artifact
    from src.stages.stage import RunContext

Row = Mapping[str, Any]


class PinnedHorizonMismatch(ForecastError):
    """A pinned model has another horizon than the configuration says."""

    def __init__(self, live: Artifact, sessions: int) -> None:
        super().__init__(
            f"The {live.horizon} model of pool {live.pool} is pinned and has horizon "
            f"{live.sessions}, the configuration says {sessions}: use its horizon, or end the pin "
            "with `python -m mlops.monitoring unpin --ticker` and one of its tickers."
        )


class PinnedModelUnreadable(ForecastError):
    """The model that a rollback restored cannot be read any longer."""

    def __init__(self, error: ForecastError, pin: ModelEvent) -> None:
        restore = (
            f"restore it with `python -m mlops.monitoring rollback --version-tag {pin.version_tag}`"
            ", or "
        )
        super().__init__(
            f"{str(error).partition(':')[0]}, and it is pinned: "
            f"{'' if is_of_trial(pin.version_tag) else restore}end the pin with "
            "`python -m mlops.monitoring unpin --ticker` and one of its tickers, and train again."
        )


def current_champion(
    models: LiveModels | None, pool: str, horizon: str, sessions: int
) -> tuple[Champion, list[str]]:
    """Who has been served so far that many sessions ahead, and warnings about it.

    A run that looks back has no champion: it may not know what was decided later. After the last
    way back to zero, by the gate or by a person, only forecasts made since count for a promotion.
    A pool without a model may begin with the champion that all its tickers had.

    Raises:
        PinnedHorizonMismatch: The pinned model has another horizon.
        PinnedModelUnreadable: The pinned model cannot be read.
        SignatureRefused: The live model is signed by none of the keys: going on without it would
            lose its promotion.
    """
    if models is None:
        return Champion(), []
    state = models.state(pool, horizon)
    pin = state.pinned if state is not None else None
    zero = Champion(counted_since=models.back_to_zero_since(pool, horizon))
    try:
        live = models.load(pool, horizon)
    except NoModel:
        return _migrated(models, pool, horizon, zero), []
    except SignatureRefused:
        raise
    except ForecastError as error:
        if pin is not None:
            raise PinnedModelUnreadable(error, pin) from error
        return zero, [f"{error} Zero is served until the gate promotes a model again."]
    if live.sessions != sessions:
        if pin is not None:
            raise PinnedHorizonMismatch(live, sessions)
        return zero, [
            f"The {horizon} model of pool {pool} had horizon {live.sessions} so far: none has been "
            f"promoted at {sessions} yet."
        ]
    since = dt.date.fromisoformat(live.since) if live.since else None
    champion = replace(zero, served=live.served, since=since)
    return champion, [] if pin is None else [_pin_warning(pin)]


def with_time_of_fit(models: LiveModels | None, artifact: Artifact) -> Artifact:
    """The artifact with the time at which its parameters were first fitted, if they are live."""
    if models is None:
        return artifact
    try:
        live = models.load(artifact.pool, artifact.horizon)
    except ForecastError:
        return artifact
    is_same = live.candidate == artifact.candidate and same_model(live.model, artifact.model)
    return replace(artifact, trained_at=live.trained_at) if is_same else artifact


def stays_live(models: LiveModels | None, artifact: Artifact) -> Artifact:
    """The pinned model that will answer in the place of a trained one, if there is one."""
    state = models.state(artifact.pool, artifact.horizon) if models is not None else None
    pinned = state.pinned if state is not None else None
    if models is None or pinned is None or replaces_pinned(pinned, artifact):
        return artifact
    return models.load(artifact.pool, artifact.horizon)


def publish(
    context: RunContext, artifacts: Sequence[Artifact], rows: Sequence[Row]
) -> list[Artifact]:
    """Make models live with the inputs of all tickers of their pool, in one step.

    Where a pinned model stays live, what it needs is written in the place of the new model's.
    A model that differs in nothing from what is live has the same digest, and changes nothing.

    Returns:
        The artifacts with their digests.
    """
    models, records = context.models, context.records
    if models is None or records is None:
        return list(artifacts)

    def write_inputs(live: Sequence[Artifact]) -> None:
        records.serving.write(rows)
        records.serving.write_pool([pool_row_of(model, rows, context.now) for model in live])

    return models.publish(artifacts, Author(context.run_id, context.now), also=write_inputs)


def _migrated(models: LiveModels, pool: str, horizon: str, zero: Champion) -> Champion:
    event = models.migrated_champion(pool, horizon)
    if event is None:
        return zero
    since = dt.date.fromisoformat(event.evidence["since"])
    return replace(zero, served=event.served, since=since)


def _pin_warning(pin: ModelEvent) -> str:
    is_trial = is_of_trial(pin.version_tag)
    until = pin_end(pin.version_tag) if is_trial else "until the gate promotes another model"
    return (
        f"{pin.pool}, {pin.horizon}: {pinned_name(pin.version_tag)} is pinned since "
        f"{pin.at:%Y-%m-%d} and answers {until}."
    )
