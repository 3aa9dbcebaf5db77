"""What was trained in; what answers from now on out: it goes live here, if nothing is pinned."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from src.core.errors import ForecastError
from src.modeling.experiment.promotion import ZERO, Champion
from src.registry.lifecycle.events import Author
from src.registry.storage.artifact import NoModel
from src.registry.storage.artifact_store import same_content

if TYPE_CHECKING:
    from src.core.model_events import ModelEvent
    from src.modeling.training.result import TrainingResult
    from src.registry.lifecycle.live_models import LiveModels
    from src.registry.storage.artifact import Artifact
    from src.stages.stage import RunContext


class OtherHorizon(ForecastError):
    """A pinned model looks another number of sessions ahead than the configuration says."""

    def __init__(self, live: Artifact, sessions: int) -> None:
        super().__init__(
            f"The {live.horizon} model of {live.ticker} is pinned and looks {live.sessions} "
            f"sessions ahead, the configuration says {sessions}: use its horizon, or end the pin "
            f"with `python -m mlops.monitoring unpin --ticker {live.ticker}`."
        )


class PinnedIsDamaged(ForecastError):
    """The model that a rollback restored cannot be read any more."""

    def __init__(self, error: ForecastError, pin: ModelEvent) -> None:
        super().__init__(
            f"{str(error).partition(':')[0]}, and it is pinned: restore it with `python -m "
            f"mlops.monitoring rollback --version-tag {pin.version_tag}`, or end the pin with "
            f"`python -m mlops.monitoring unpin --ticker {pin.ticker}` and train again."
        )


def current_champion(
    models: LiveModels | None, ticker: str, horizon: str, sessions: int
) -> tuple[Champion, list[str]]:
    """Who is served so far that many sessions ahead, and what is to be said of that.

    A run that looks back knows of nobody: it may not know the future. Where a person left a model
    for zero, only forecasts made since then count for a promotion, as after a demotion.

    Raises:
        OtherHorizon: What is pinned looks another number of sessions ahead.
        PinnedIsDamaged: What is pinned cannot be read.
    """
    if models is None:
        return Champion(), []
    found = models.state(ticker, horizon)
    pin = found.pinned if found is not None else None
    try:
        live = models.load(ticker, horizon)
    except NoModel:
        return Champion(), []
    except ForecastError as error:
        if pin is not None:
            raise PinnedIsDamaged(error, pin) from error
        return Champion(), [f"{error} Zero is the champion until the gate has spoken again."]
    if live.sessions != sessions:
        if pin is not None:
            raise OtherHorizon(live, sessions)
        return Champion(), [
            f"The {horizon} model of {ticker} looked {live.sessions} sessions ahead so far: at "
            f"{sessions} nothing has been promoted yet."
        ]
    since = dt.date.fromisoformat(live.since) if live.since else None
    if pin is not None and live.served == ZERO and models.replaced_promoted_model(pin):
        since = max(since or dt.date.min, pin.at.date())
    return Champion(live.served, since), [] if pin is None else [_pinned(pin)]


def _pinned(pin: ModelEvent) -> str:
    return (
        f"{pin.ticker}, {pin.horizon}: version {pin.version_tag} is pinned since {pin.at:%Y-%m-%d} "
        "and answers until the gate promotes another model."
    )


def _unchanged(models: LiveModels, one: TrainingResult) -> TrainingResult:
    """With the live artifact in its place, where nothing but the time of training differs."""
    try:
        live = models.load(one.artifact.ticker, one.artifact.horizon)
    except ForecastError:
        return one
    return replace(one, artifact=live) if same_content(live, one.artifact) else one


def answering(context: RunContext, made: Sequence[TrainingResult]) -> list[TrainingResult]:
    """Make what was trained live, and put what is pinned in the place of what may not be."""
    if context.models is None:
        return list(made)
    author = Author(context.run_id, context.now)
    made = [_unchanged(context.models, one) for one in made]
    new = [one.artifact for one in made if not one.artifact.digest]
    stored = iter(context.models.publish(new, author) if new else ())
    answers = []
    for one in made:
        artifact = one.artifact if one.artifact.digest else next(stored)
        standing = context.models.state(artifact.ticker, artifact.horizon)
        if standing is None or standing.live.digest == artifact.digest:
            answers.append(replace(one, artifact=artifact))
            continue
        pinned = context.models.load(artifact.ticker, artifact.horizon)
        answers.append(one.answered_by(pinned))
    return answers
