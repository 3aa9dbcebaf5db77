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
from src.modeling.intervals.distribution import ReturnDistribution
from src.modeling.serving.inputs import ModelInputs, input_values, last_bar
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
        artifact: The model that answers: the trained one, or a pinned one in its place.
        trained: The trained model with the verdict of now.
        inputs: The model's inputs at the ticker's last bar.
        distribution: The distribution of the return from its last bar.
        newest: The newest row of ``features_daily``, with the ``return_basis`` of its bar.
        pin: Where a rollback pinned the model that answers.
    """

    feature_cache: FeatureCache
    dataset: Dataset
    walk_forward: WalkForwardResult
    decision: PromotionDecision
    artifact: Artifact
    trained: Artifact
    inputs: Mapping[str, float]
    distribution: ReturnDistribution
    newest: Mapping[str, Any]
    data_hash: str
    pin: Pin | None = None

    def answered_by(self, artifact: Artifact, pin: Pin | None = None) -> TrainingResult:
        """The same with another model to answer, and the inputs of that one."""
        inputs: Mapping[str, float] = {}
        if artifact.model.features:
            row, column = self._last_cell
            inputs = input_values(
                artifact.model,
                self.feature_cache.features,
                row,
                column,
                self.volatility,
                self.walk_forward.horizon,
            )
        return replace(self, artifact=artifact, inputs=inputs, pin=pin)

    @property
    def volatility(self) -> float:
        """Forecast at the ticker's last bar of the volatility over the horizon."""
        return float(self.walk_forward.distributions.sigma[self._last_cell])

    @property
    def _last_cell(self) -> tuple[int, int]:
        """Row and column of the ticker's last bar."""
        panel, ticker = self.walk_forward.panel, self.artifact.ticker
        return last_bar(panel, ticker), panel.tickers.index(ticker)

    def forecast(self, context: RunContext) -> dict[str, Any]:
        """An entry of ``forecasts`` in results.json."""
        row = {**self.newest, **self.inputs}
        return forecast(
            self.artifact,
            row,
            calendar=context.calendar,
            distribution=self.distribution,
            pin=self.pin,
        )

    def serving_row(self, context: RunContext) -> dict[str, Any]:
        """A row of ``serving_inputs``."""
        inputs = ModelInputs(self.artifact, self.inputs, self.distribution, self.volatility)
        return serving_row(inputs, self.newest, data_hash=self.data_hash, written_at=context.now)

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
    walk_forward, ticker = training.results[horizon], newest_row["ticker"]
    panel = walk_forward.panel
    artifact = _artifact(
        context,
        walk_forward,
        decision,
        newest_row,
        horizon=horizon,
        data_hash=data_hash,
        reason=_reason(decision, training.leak),
    )
    distribution = walk_forward.distributions.at(
        last_bar(panel, ticker), panel.tickers.index(ticker)
    )
    result = TrainingResult(
        feature_cache=training.feature_cache,
        dataset=dataset,
        walk_forward=walk_forward,
        decision=decision,
        artifact=artifact,
        trained=artifact,
        inputs={},
        distribution=distribution,
        newest=newest_row,
        data_hash=data_hash,
    )
    return result.answered_by(artifact)


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
