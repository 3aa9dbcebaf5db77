"""Check that the live models are there, whole, not too old, and judged at the last session."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from src.core.errors import UsageError
from src.monitoring.checks import sessions
from src.monitoring.observation import Observation

if TYPE_CHECKING:
    from src.db.watched.data_state import Member
    from src.monitoring.checks.facts import Facts, ModelFacts

RULES = ("model_missing", "model_corrupt", "model_stale", "model_not_judged")


def check(facts: Facts) -> list[Observation]:
    """All observations of these rules."""
    models = facts.models
    if not models:
        sentence = "No model has been trained yet: run `python -m mlops.pipeline`."
        return [Observation("model_missing", "", True, sentence)]
    found = [Observation("model_missing", "", False, "There are models.")]
    limit = facts.settings.monitoring.model_stale_after_days
    for model in models:
        found += _files(model)
        found.append(fit_age(model, facts.now, limit))
    return [*found, *judged(models, facts.members)]


def _files(model: ModelFacts) -> Iterator[Observation]:
    is_corrupt = bool(model.problem) and not model.is_missing
    bad = None if model.is_missing else is_corrupt
    for rule, value in (("model_missing", model.is_missing), ("model_corrupt", bad)):
        yield Observation(rule, model.subject, value, model.problem, cause=model.pool)


def fit_age(model: ModelFacts, now: dt.datetime, limit: int) -> Observation:
    """Whether the live model was fitted longer than ``limit`` days ago."""
    if model.fitted_on is None:
        sentence = (
            f"It is not known when the live {model.horizon} model of {model.pool} was fitted."
        )
        return Observation("model_stale", model.subject, None, sentence)
    days = (now.date() - model.fitted_on).days
    sentence = (
        f"The live {model.horizon} model of {model.pool} was fitted on what was known at "
        f"{model.fitted_on}, {days} days ago (at most {limit} are usual)."
    )
    return Observation("model_stale", model.subject, days > limit, sentence, days, model.pool)


def staleness(
    models: Sequence[ModelFacts],
    observations: Sequence[Observation],
    now: dt.datetime,
    limit: int,
) -> tuple[bool, str]:
    """Whether any live model is stale or cannot be used, and why.

    Args:
        models: Of every pool and horizon.
        observations: Of them, and of the database.
        now: An aware time.
        limit: A pool that was last trained more than so many days ago is stale.
    """
    rules = ("database_unreachable", "model_missing", "model_corrupt", "model_stale")
    reasons = [row.sentence for row in observations if row.bad and row.rule in rules]
    ages = {model.subject: (now - model.training.at).days for model in models if model.training}
    reasons += [
        f"{subject} was last trained {days} days ago (at most {limit})."
        for subject, days in ages.items()
        if days > limit
    ]
    trained = ", ".join(f"{subject} {days} days ago" for subject, days in ages.items())
    return bool(reasons), " ".join(reasons) or f"Last trained: {trained}."


def judged(models: Sequence[ModelFacts], members: Sequence[Member]) -> Iterator[Observation]:
    """Whether each pool has been trained at its newest complete session."""
    pools = sessions.by_pool(members)
    for model in models:
        of_pool = pools.get(model.pool, [])
        newest = [member.newest for member in of_pool if member.newest is not None]
        try:
            calendar = sessions.calendar_of_tickers([member.ticker for member in of_pool])
        except UsageError as error:
            yield Observation("model_not_judged", model.subject, None, str(error))
            continue
        session = sessions.newest_complete(newest, calendar)
        at = model.training.session if model.training else None
        if session is None or at is None:
            sentence = f"{model.pool} has not been trained yet."
            yield Observation("model_not_judged", model.subject, None, sentence)
            continue
        behind = calendar.count(at, session)
        sentence = (
            f"The {model.horizon} model of {model.pool} was last judged at {at}, "
            f"{sessions.sessions(behind)} before the newest complete one, {session}."
        )
        yield Observation(
            "model_not_judged", model.subject, behind > 0, sentence, behind, model.pool
        )
