"""What was trained in; what answers from now on out: it goes live here, if nothing is pinned."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from src.core.errors import ForecastError
from src.modeling.standing import ZERO, Standing
from src.registry import artefacts
from src.registry.artefacts import NoModel
from src.registry.decisions import Author

if TYPE_CHECKING:
    from src.modeling.made import Made
    from src.registry.live_models import LiveModels
    from src.stages.stage import RunContext


def standing_so_far(
    models: LiveModels | None, ticker: str, horizon: str
) -> tuple[Standing, list[str]]:
    """Who is served so far, and what is doubtful about that.

    A run that looks back knows of nobody: it may not know the future. Where a person went back to
    zero, only forecasts made since then count for a promotion, as after a demotion.
    """
    if models is None:
        return Standing(), []
    try:
        live = models.load(ticker, horizon)
    except NoModel:
        return Standing(), []
    except ForecastError as error:
        return Standing(), [f"{error} Who was served is not known, so zero is the champion."]
    since = dt.date.fromisoformat(live.since) if live.since else None
    found = models.standing(ticker, horizon)
    if found is not None and found.pinned is not None and live.served == ZERO:
        since = max(since or dt.date.min, found.pinned.at.date())
    return Standing(live.served, since), []


def _unchanged(models: LiveModels, one: Made) -> Made:
    """With the live artefact in its place, where nothing but the time of training differs."""
    try:
        live = models.load(one.artefact.ticker, one.artefact.horizon)
    except ForecastError:
        return one
    return replace(one, artefact=live) if artefacts.same(live, one.artefact) else one


def answering(context: RunContext, made: Sequence[Made]) -> list[Made]:
    """Make what was trained live, and put what is pinned in the place of what may not be."""
    if context.models is None:
        return list(made)
    author = Author(context.run_id, context.now)
    made = [_unchanged(context.models, one) for one in made]
    new = [one.artefact for one in made if not one.artefact.digest]
    stored = iter(context.models.publish(new, author) if new else ())
    answers = []
    for one in made:
        artefact = one.artefact if one.artefact.digest else next(stored)
        standing = context.models.standing(artefact.ticker, artefact.horizon)
        if standing is None or standing.live.digest == artefact.digest:
            answers.append(replace(one, artefact=artefact))
            continue
        pinned = context.models.load(artefact.ticker, artefact.horizon)
        answers.append(one.asking(pinned))
    return answers
