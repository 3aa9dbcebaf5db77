"""Forecast with the challengers of a pool's trials beside the live models.

Every run does, whether it trains or not, with the newest stored model of each. A challenger that
fails costs its own forecasts and nothing else.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from src.core.errors import ForecastError
from src.db.tables.shadow_models import ShadowModels
from src.modeling.serving.challenger import NoChallengerForecast, challenger_entry
from src.modeling.serving.pool_inputs import needs_pool, pool_row_of
from src.modeling.serving.predict import Row
from src.modeling.serving.records import prediction_row
from src.modeling.trials.challengers import other_horizon
from src.modeling.trials.stored_challengers import record_failure, running_trials

if TYPE_CHECKING:
    from src.core.trials import Trial
    from src.db.tables.serving_inputs import ServingInputs
    from src.registry.storage.artifact import Artifact
    from src.stages.stage import RunContext


def shadow_forecasts(context: RunContext, pool: str, tickers: Sequence[str]) -> list[str]:
    """Log what the challenger of each running trial of a pool forecasts of a run's tickers.

    A trial of some tickers forecasts those alone. Nothing is logged by a run that is not live.

    Returns:
        A sentence for each challenger that did not forecast.
    """
    trials = running_trials(context, pool)
    if not trials:
        return []
    assert context.records is not None  # noqa: S101 there are trials
    digests = ShadowModels(context.records.connection).digests(pool)
    inputs = {h: _Inputs(context.records.serving, pool, h, tickers) for h in ("short", "long")}
    problems = []
    for trial in trials:
        digest = digests.get(trial.hash)
        if digest is None:
            problems.append(
                f"The challenger {trial.challenger} of trial {trial.hash[:12]} has no model yet: "
                "it is fitted by the next run that trains its pool."
            )
            continue
        try:
            rows = _rows(context, trial, digest, inputs[trial.horizon])
        except Exception as error:
            problems.append(record_failure(context, trial, error))
            continue
        context.records.forecasts.log(rows)
    return problems


class _Inputs:
    """What models of a horizon forecast from, read when it is first needed."""

    def __init__(
        self, serving: ServingInputs, pool: str, horizon: str, tickers: Sequence[str]
    ) -> None:
        self._serving, self._pool, self._horizon = serving, pool, horizon
        self._tickers = tickers

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """Rows of ``serving_inputs`` of the run's tickers."""
        return self._serving.read(self._tickers, self._horizon)

    @cached_property
    def _of_pool(self) -> list[dict[str, Any]]:
        return self._serving.of_pool(self._pool, self._horizon)

    def pool_row(self, artifact: Artifact, now: dt.datetime) -> Row | None:
        """The row of ``pool_inputs`` of a model that needs one, brought up to date."""
        if not needs_pool(artifact.model):
            return None
        stored = self._serving.read_pool(self._pool, self._horizon, artifact.digest)
        judged = [row["feature_date"] for row in self.rows if row["note"] is None]
        if stored is not None and stored["session"] >= max(judged, default=dt.date.min):
            return stored
        row = pool_row_of(artifact, self._of_pool, now)
        self._serving.add_pool(row)
        return row


def _rows(context: RunContext, trial: Trial, digest: str, inputs: _Inputs) -> list[dict[str, Any]]:
    """Rows of ``predictions`` of a trial's challenger.

    Raises:
        ForecastError: The model cannot be read or used, or forecasts none of the tickers.
    """
    assert context.models is not None  # noqa: S101 there is a trial
    artifact = context.models.store.load(trial.pool, trial.horizon, digest)
    if artifact.sessions != trial.sessions:
        raise ForecastError(other_horizon(trial, artifact.sessions))
    wanted = [row for row in inputs.rows if not trial.tickers or row["ticker"] in trial.tickers]
    # Where a row has a note, zero answers whatever model is live.
    answered = [row for row in wanted if row["note"] is None]
    if not answered:
        return []
    pool_row = inputs.pool_row(artifact, context.now)
    made, missing = [], []
    for row in answered:
        try:
            entry = challenger_entry(artifact, row, pool_row, context.calendar)
        except NoChallengerForecast as error:
            missing.append(error)
            continue
        made.append(shadow_row(entry, row, trial, context.now))
    if not made:
        raise missing[0]
    return made


def shadow_row(entry: Row, row: Row, trial: Trial, made_at: dt.datetime) -> dict[str, Any]:
    """A row of ``predictions``: what a trial's challenger forecast, which nobody was served.

    It has no distribution: that is the same whatever model is live.

    Raises:
        ForecastError: The forecast is no number.
    """
    if not math.isfinite(entry["pred_return"]):
        raise ForecastError(f"Its forecast of {row['ticker']} is {entry['pred_return']}.")
    return prediction_row(entry, row, trial.candidate_version, made_at) | {
        "kind": "shadow",
        "levels": [],
        "quantiles": [],
        "prob_up": None,
    }
