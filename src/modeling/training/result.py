"""A ticker and what its pool was taught in; what is stored and told of it out."""

from __future__ import annotations

import datetime as dt
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
    from src.modeling.experiment.run import FeatureCache, WalkForwardResult
    from src.modeling.panel.labels import Dataset
    from src.modeling.training.pool_training import PoolTraining
    from src.stages.stage import RunContext

NOTHING = LinearModel((), np.zeros(0), 0.0)


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """One ticker and horizon: what it was made from, and what came of it.

    Attributes:
        known: The features of its pool.
        dataset: The rows that were stored.
        held: The contest of its pool.
        decision: Who is served.
        artifact: What is stored, or what answers instead.
        inputs: The values that its forecast is made from.
        outlook: The distribution of the return from its last bar.
        newest: The newest row of ``features_daily``, with the ``return_basis`` of its bar.
        data_hash: Of its pool.
    """

    feature_cache: FeatureCache
    dataset: Dataset
    walk_forward: WalkForwardResult
    decision: PromotionDecision
    artifact: Artifact
    inputs: Mapping[str, float]
    outlook: ReturnDistribution
    newest: Mapping[str, Any]
    data_hash: str

    def answered_by(self, artifact: Artifact) -> TrainingResult:
        """The same with another artifact to answer, and what that is asked with."""
        if not artifact.model.features:
            return replace(self, artifact=artifact, inputs={})
        row, column = self._place
        inputs = input_values(
            artifact.model,
            self.feature_cache.features,
            row,
            column,
            self.volatility,
            self.walk_forward.horizon,
        )
        return replace(self, artifact=artifact, inputs=inputs)

    @property
    def volatility(self) -> float:
        """Forecast at its last bar of the return over the horizon."""
        return float(self.walk_forward.distributions.sigma[self._place])

    @property
    def _place(self) -> tuple[int, int]:
        panel, ticker = self.walk_forward.panel, self.artifact.ticker
        return last_bar(panel, ticker), panel.tickers.index(ticker)

    def forecast(self, context: RunContext) -> dict[str, Any]:
        """An entry of ``forecasts`` in results.json."""
        row = {**self.newest, **self.inputs}
        return forecast(self.artifact, row, calendar=context.calendar, outlook=self.outlook)

    def serving_row(self, context: RunContext) -> dict[str, Any]:
        """A row of ``serving_inputs``."""
        asked = ModelInputs(self.artifact, self.inputs, self.outlook, self.volatility)
        return serving_row(asked, self.newest, data_hash=self.data_hash, written_at=context.now)

    def as_results_json(self) -> dict[str, Any]:
        """The facts for ``results.json``."""
        verdict, artifact = self.decision.verdict, self.artifact
        return {
            "ticker": artifact.ticker,
            "horizon": artifact.horizon,
            "candidate": artifact.candidate,
            "served": artifact.served,
            "since": artifact.since or None,
            "event": self.decision.event,
            "verdict": artifact.verdict,
            "reason": artifact.reason,
            "configurations": artifact.trials,
            "sessions_until_decidable": verdict.sessions_until_decidable,
            "evidence": list(artifact.evidence),
            "rows": self.dataset.counts,
            "metrics": list(artifact.metrics),
            "pool": dict(artifact.pool),
            "coverage": summary.coverage(self.walk_forward, artifact.ticker),
        }


def build_result(
    context: RunContext,
    trained: PoolTraining,
    decision: PromotionDecision,
    dataset: Dataset,
    newest_row: Mapping[str, Any],
    *,
    horizon: str,
    data_hash: str,
) -> TrainingResult:
    """Put together what is stored and told of one ticker at ``short`` or ``long``."""
    held, ticker = trained.results[horizon], newest_row["ticker"]
    row, column = last_bar(held.panel, ticker), held.panel.tickers.index(ticker)
    candidate = decision.candidate if decision.candidate in held.models else ZERO
    model = held.models.get(candidate, NOTHING)
    artifact = Artifact(
        ticker=ticker,
        horizon=horizon,
        sessions=held.horizon,
        candidate=candidate,
        model=model,
        features_version=newest_row["features_version"],
        trained_at=context.now.isoformat(timespec="seconds"),
        code_version=VERSION,
        data_hash=data_hash,
        config_hash=config_hash(context.settings),
        config=context.settings.modelled(),
        served=decision.champion.served,
        since=_iso(decision.champion.since),
        verdict=decision.verdict.verdict,
        reason=_reason(decision, trained.leak).rstrip("."),
        trials=decision.verdict.configurations,
        evidence=[asdict(one) for one in decision.verdict.evidence],
        metrics=summary.ticker_metrics(held, ticker),
        pool=summary.pool_metrics(held),
    )
    said = held.distributions.at(row, column)
    one = TrainingResult(
        trained.feature_cache, dataset, held, decision, artifact, {}, said, newest_row, data_hash
    )
    return one.answered_by(artifact)


def _reason(decision: PromotionDecision, leak: str | None) -> str:
    if leak is None:
        return decision.reason
    return f"a leak is likely, so nothing was trained and zero is served ({leak})"


def _iso(day: dt.date | None) -> str:
    return day.isoformat() if day else ""
