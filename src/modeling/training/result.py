"""Put together what a training run stores and reports of one ticker and horizon."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from src.config.load import config_hash
from src.config.version import VERSION
from src.modeling.experiment import summary
from src.modeling.experiment.promotion import ZERO, PromotionDecision
from src.modeling.serving.inputs import ModelInputs, last_bar, model_inputs
from src.modeling.serving.predict import forecast
from src.modeling.serving.records import serving_row
from src.registry.formats.models import LinearModel
from src.registry.storage.artifact import Artifact

if TYPE_CHECKING:
    from src.core.model_events import Pin
    from src.modeling.experiment.run import FeatureCache, WalkForwardResult
    from src.modeling.panel.labels import Dataset
    from src.modeling.training.pool_training import PoolTraining
    from src.stages.stage import RunContext

# Stored where no candidate can be: it forecasts no change.
ZERO_MODEL = LinearModel((), np.zeros(0), 0.0)


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """The result of training for one ticker and horizon.

    ``feature_cache``, ``walk_forward`` and ``data_hash`` are of its pool.

    Attributes:
        trained: The trained model with the verdict of now.
        inputs: The model that answers, the trained one or a pinned one in its place, and what it
            forecasts from at the ticker's last bar.
        newest: The newest row of ``features_daily``, with the ``return_basis`` of its bar.
        pin: Where a rollback pinned the model that answers.
    """

    feature_cache: FeatureCache
    dataset: Dataset
    walk_forward: WalkForwardResult
    decision: PromotionDecision
    trained: Artifact
    inputs: ModelInputs
    newest: Mapping[str, Any]
    data_hash: str
    pin: Pin | None = None

    @property
    def artifact(self) -> Artifact:
        """The model that answers."""
        return self.inputs.artifact

    def answered_by(self, artifact: Artifact, pin: Pin | None = None) -> TrainingResult:
        """The same with another model to answer, and the inputs of that one."""
        inputs = _inputs(artifact, self.feature_cache, self.walk_forward)
        return replace(self, inputs=inputs, pin=pin)

    def forecast(self, context: RunContext) -> dict[str, Any]:
        """An entry of ``forecasts`` in results.json."""
        inputs = self.inputs
        return forecast(
            self.artifact,
            {**self.newest, **inputs.values},
            calendar=context.calendar,
            distribution=inputs.distribution,
            pin=self.pin,
        )

    def serving_row(self, context: RunContext) -> dict[str, Any]:
        """A row of ``serving_inputs``."""
        return serving_row(
            self.inputs, self.newest, data_hash=self.data_hash, written_at=context.now
        )

    def as_results_json(self) -> dict[str, Any]:
        """An entry of ``stages.training.models`` in results.json."""
        artifact, trained = self.artifact, self.trained
        return {
            "ticker": artifact.ticker,
            "horizon": artifact.horizon,
            "candidate": trained.candidate,
            "served": artifact.served,
            "since": artifact.since or None,
            "pinned": self.pin.version_tag if self.pin else None,
            "event": self.decision.event,
            "verdict": trained.verdict,
            "reason": trained.reason,
            "configurations": trained.trials,
            "sessions_until_decidable": self.decision.verdict.sessions_until_decidable,
            "evidence": list(trained.evidence),
            "rows": self.dataset.counts,
            "metrics": list(trained.metrics),
            "pool": dict(trained.pool),
            "coverage": summary.coverage(self.walk_forward, artifact.ticker),
        }


def build_result(
    context: RunContext,
    training: PoolTraining,
    decision: PromotionDecision,
    dataset: Dataset,
    newest_row: Mapping[str, Any],
    *,
    horizon: str,
    data_hash: str,
) -> TrainingResult:
    """Put together the result of one ticker at ``short`` or ``long``; see ``TrainingResult``."""
    walk_forward = training.results[horizon]
    artifact = _artifact(
        context,
        walk_forward,
        decision,
        newest_row,
        horizon=horizon,
        data_hash=data_hash,
        reason=_reason(decision, training.leak),
    )
    return TrainingResult(
        feature_cache=training.feature_cache,
        dataset=dataset,
        walk_forward=walk_forward,
        decision=decision,
        trained=artifact,
        inputs=_inputs(artifact, training.feature_cache, walk_forward),
        newest=newest_row,
        data_hash=data_hash,
    )


def _inputs(
    artifact: Artifact, feature_cache: FeatureCache, walk_forward: WalkForwardResult
) -> ModelInputs:
    row = last_bar(walk_forward.panel, artifact.ticker)
    return model_inputs(artifact, row, walk_forward.distributions, feature_cache, row)


def _artifact(
    context: RunContext,
    walk_forward: WalkForwardResult,
    decision: PromotionDecision,
    newest_row: Mapping[str, Any],
    *,
    horizon: str,
    data_hash: str,
    reason: str,
) -> Artifact:
    ticker = newest_row["ticker"]
    candidate = decision.candidate if decision.candidate in walk_forward.models else ZERO
    return Artifact(
        ticker=ticker,
        horizon=horizon,
        sessions=walk_forward.horizon,
        candidate=candidate,
        model=walk_forward.models.get(candidate, ZERO_MODEL),
        features_version=newest_row["features_version"],
        trained_at=context.now.isoformat(timespec="seconds"),
        code_version=VERSION,
        data_hash=data_hash,
        config_hash=config_hash(context.settings),
        config=context.settings.result_settings(),
        served=decision.champion.served,
        since=str(decision.champion.since or ""),
        verdict=decision.verdict.verdict,
        reason=reason,
        trials=decision.verdict.configurations,
        evidence=[asdict(evidence) for evidence in decision.verdict.evidence],
        metrics=summary.ticker_metrics(walk_forward, ticker),
        pool=summary.pool_metrics(walk_forward),
    )


def _reason(decision: PromotionDecision, leak: str | None) -> str:
    if leak is None:
        return decision.reason.rstrip(".")
    return f"a leak is likely, so nothing was trained and zero is served ({leak})"
