"""Make trained models live, and find who was served before them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from src.core.errors import ForecastError
from src.core.model_events import Pin
from src.modeling.experiment.promotion import ZERO, Champion
from src.registry.lifecycle.events import Author, replaces_pinned
from src.registry.storage.artifact import NoModel, SignatureRefused
from src.registry.storage.artifact_store import same_content

if TYPE_CHECKING:
    from src.core.model_events import ModelEvent
    from src.modeling.training.result import TrainingResult
    from src.registry.lifecycle.live_models import LiveModels
    from src.registry.storage.artifact import Artifact
    from src.stages.stage import RunContext


class PinnedHorizonMismatch(ForecastError):
    """A pinned model has another horizon than the configuration says."""

    def __init__(self, live: Artifact, sessions: int) -> None:
        super().__init__(
            f"The {live.horizon} model of {live.ticker} is pinned and has horizon {live.sessions}, "
            f"the configuration says {sessions}: use its horizon, or end the pin "
            f"with `python -m mlops.monitoring unpin --ticker {live.ticker}`."
        )


class PinnedModelUnreadable(ForecastError):
    """The model that a rollback restored cannot be read any longer."""

    def __init__(self, error: ForecastError, pin: ModelEvent) -> None:
        super().__init__(
            f"{str(error).partition(':')[0]}, and it is pinned: restore it with `python -m "
            f"mlops.monitoring rollback --version-tag {pin.version_tag}`, or end the pin with "
            f"`python -m mlops.monitoring unpin --ticker {pin.ticker}` and train again."
        )


def current_champion(
    models: LiveModels | None, ticker: str, horizon: str, sessions: int
) -> tuple[Champion, list[str]]:
    """Who has been served so far that many sessions ahead, and warnings about it.

    A run that looks back has no champion: it may not know what was decided later. Where a rollback
    replaced a model with zero, only forecasts made since then count for a promotion, as after a
    demotion.

    Raises:
        PinnedHorizonMismatch: The pinned model has another horizon.
        PinnedModelUnreadable: The pinned model cannot be read.
        SignatureRefused: The live model is signed by none of the keys: going on without it would
            lose its promotion.
    """
    if models is None:
        return Champion(), []
    state = models.state(ticker, horizon)
    pin = state.pinned if state is not None else None
    try:
        live = models.load(ticker, horizon)
    except NoModel:
        return Champion(), []
    except SignatureRefused:
        raise
    except ForecastError as error:
        if pin is not None:
            raise PinnedModelUnreadable(error, pin) from error
        return Champion(), [f"{error} Zero is served until the gate promotes a model again."]
    if live.sessions != sessions:
        if pin is not None:
            raise PinnedHorizonMismatch(live, sessions)
        return Champion(), [
            f"The {horizon} model of {ticker} had horizon {live.sessions} so far: none has been "
            f"promoted at {sessions} yet."
        ]
    since = dt.date.fromisoformat(live.since) if live.since else None
    if pin is not None and live.served == ZERO and models.replaced_promoted_model(pin):
        since = max(since or dt.date.min, pin.at.date())
    return Champion(live.served, since), [] if pin is None else [_pin_warning(pin)]


def as_answered(models: LiveModels | None, result: TrainingResult) -> TrainingResult:
    """A result before it is published, answered by the pinned model that will stay live, if any."""
    trained = result.trained
    state = models.state(*trained.pair) if models is not None else None
    pinned = state.pinned if state is not None else None
    if models is None or pinned is None or replaces_pinned(pinned, trained):
        return result
    pin = Pin(
        pinned.version_tag,
        pinned.at,
        trained.verdict,
        trained.reason,
        trained.metrics,
        trained.pool,
    )
    return result.answered_by(models.load(*trained.pair), pin)


def publish_results(context: RunContext, results: Sequence[TrainingResult]) -> list[TrainingResult]:
    """Make trained models live; where a pinned model stays live, it answers in their place."""
    models = context.models
    if models is None:
        return list(results)
    results = [_keep_live_if_same(models, result) for result in results]
    new = [result.artifact for result in results if not result.artifact.digest]
    stored = iter(models.publish(new, Author(context.run_id, context.now)) if new else ())
    published = []
    for result in results:
        artifact = result.artifact if result.artifact.digest else next(stored)
        state = models.state(artifact.ticker, artifact.horizon)
        pin = models.pin(artifact.ticker, artifact.horizon)
        if state is not None and state.live.digest != artifact.digest:
            artifact = models.load(artifact.ticker, artifact.horizon)
        published.append(result.answered_by(artifact, pin))
    return published


def _keep_live_if_same(models: LiveModels, result: TrainingResult) -> TrainingResult:
    """With the live artifact in its place, where nothing but the time of training differs."""
    try:
        live = models.load(result.artifact.ticker, result.artifact.horizon)
    except ForecastError:
        return result
    return result.answered_by(live) if same_content(live, result.artifact) else result


def _pin_warning(pin: ModelEvent) -> str:
    return (
        f"{pin.ticker}, {pin.horizon}: version {pin.version_tag} is pinned since {pin.at:%Y-%m-%d} "
        "and answers until the gate promotes another model."
    )
