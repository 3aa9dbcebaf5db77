"""Train one pool, draw its report, and make its models live with the inputs of all its tickers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from src.config import logs
from src.core.tables import HORIZONS
from src.modeling.experiment.promotion import decide_promotion
from src.modeling.experiment.record import forecast_record
from src.modeling.experiment.summary import all_ticker_metrics
from src.modeling.points.fit_cache import DiskFitCache
from src.modeling.serving.inputs import HorizonForecasts, input_rows
from src.modeling.serving.pool_inputs import pool_row_of
from src.modeling.serving.predict import forecast_from_row
from src.modeling.serving.stored_models import live_forecasts
from src.modeling.training.answers import PoolAnswers
from src.modeling.training.pool_training import train_pool
from src.modeling.training.publish import (
    current_champion,
    publish,
    stays_live,
    with_time_of_fit,
)
from src.modeling.training.report_inputs import closes_of, draw
from src.modeling.training.result import build_artifact
from src.modeling.trials.challengers import cached_files
from src.modeling.trials.stored_challengers import store_challengers, trials_to_fit
from src.registry.storage.signing import signing_keys

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.core.model_events import Pin
    from src.core.trials import Trial
    from src.modeling.experiment.run import WalkForwardResult
    from src.modeling.panel.panel import Panel
    from src.modeling.serving.pool_data import PoolMembers
    from src.modeling.training.pool_training import PoolTraining
    from src.registry.storage.artifact import Artifact
    from src.stages.stage import RunContext

log = logs.get(__name__)

Row = Mapping[str, Any]
FITS = Path("var") / "fits"


class _Judged(NamedTuple):
    """The model set of a horizon, what was decided, and its pool's inputs.

    Attributes:
        rows: Of ``serving_inputs``, of all tickers of the pool.
    """

    artifact: Artifact
    event: str
    warnings: Sequence[str]
    rows: Sequence[Row]


def train_and_publish(
    context: RunContext, members: PoolMembers, panel: Panel, tickers: Sequence[str]
) -> PoolAnswers:
    """Train a pool; a live run makes its models live.

    Reports are drawn before anything goes live: what cannot be shown is not served.
    """
    count = len(members.tickers)
    log.info(
        f"Training pool {members.pool}, {count:,} ticker{'' if count == 1 else 's'}: the ranges of "
        "outcomes first, then the candidates of each horizon."
    )
    of_all = trials_to_fit(context)
    trials = [trial for trial in of_all if trial.pool == members.pool]
    fit_cache = _fit_cache(context.settings, of_all)
    by_horizon: dict[str, _Judged] = {}

    def judge(training: PoolTraining, horizon: str, result: WalkForwardResult) -> None:
        by_horizon[horizon] = _judge(context, members, training, horizon, result)

    challengers = train_pool(panel, context.settings, judge, fit_cache, context.engine, trials)
    log.info(f"Storing the models of pool {members.pool}.")
    judged = [by_horizon[horizon] for horizon in HORIZONS]
    artifacts = [each.artifact for each in judged]
    rows = [row for each in judged for row in each.rows]
    answering = [stays_live(context.models, artifact) for artifact in artifacts]
    pool_rows = [pool_row_of(artifact, rows, context.now) for artifact in answering]
    forecasts = _forecasts(context, answering, rows, pool_rows, tickers)
    files = draw(context, artifacts, forecasts, rows, closes_of(panel))
    stored = publish(context, artifacts, rows)
    problems: Sequence[str] = ()
    failed = store_challengers(context, members, trials, challengers, panel)
    if context.records is not None:
        forecasts, problems = live_forecasts(context, members.pool, tickers)
    return PoolAnswers(
        members,
        {artifact.horizon: artifact for artifact in stored},
        forecasts,
        {horizon: by_horizon[horizon].event for horizon in HORIZONS},
        (
            *(warning for each in judged for warning in each.warnings),
            *_without_candidate(stored),
            *problems,
            *failed,
        ),
        files,
    )


def _judge(
    context: RunContext,
    members: PoolMembers,
    training: PoolTraining,
    horizon: str,
    result: WalkForwardResult,
) -> _Judged:
    panel = result.panel
    champion, doubts = current_champion(context.models, members.pool, horizon, result.horizon)
    decision = decide_promotion(result, champion)
    record = forecast_record(result)
    artifact = build_artifact(context, members, horizon, result, decision, record, training.leak)
    forecasts = HorizonForecasts(horizon, result.distributions, all_ticker_metrics(result))
    return _Judged(
        with_time_of_fit(context.models, artifact),
        decision.event,
        doubts,
        input_rows(panel, training.newest, forecasts, members, panel.tickers, context.now),
    )


def _forecasts(
    context: RunContext,
    answering: Sequence[Artifact],
    rows: Sequence[Row],
    pool_rows: Sequence[Row],
    tickers: Sequence[str],
) -> list[dict[str, Any]]:
    """Entries of ``forecasts`` in results.json as they will be answered, by ticker and horizon."""
    models = {a.horizon: (a, pool) for a, pool in zip(answering, pool_rows, strict=True)}
    entries = []
    for row in rows:
        if row["ticker"] in tickers:
            artifact, pool = models[row["horizon"]]
            pin = _pin(context, artifact)
            entries.append(forecast_from_row(artifact, row, pool, context.calendar, pin))
    order = {artifact.sessions: place for place, artifact in enumerate(answering)}
    return sorted(entries, key=lambda entry: (entry["ticker"], order[_sessions(entry)]))


def _pin(context: RunContext, artifact: Artifact) -> Pin | None:
    if context.models is None or not artifact.digest:
        return None
    return context.models.pin(artifact.pool, artifact.horizon)


def _sessions(entry: Row) -> int:
    return int(entry["horizon"].removesuffix("-day"))


def _without_candidate(artifacts: Sequence[Artifact]) -> Iterator[str]:
    """A warning for each model without a candidate."""
    for artifact in artifacts:
        if artifact.candidate == "zero":
            yield f"{artifact.pool}, {artifact.horizon}: {artifact.reason}."


def _fit_cache(settings: Settings, trials: Sequence[Trial]) -> DiskFitCache:
    keys = signing_keys(settings)
    more_files = cached_files(settings, trials)
    return DiskFitCache(settings.home / FITS, keys[0] if keys else None, more_files)
