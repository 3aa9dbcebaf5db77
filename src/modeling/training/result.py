"""Put together the model set that the training of one pool and horizon stores."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from src.config.load import config_hash
from src.config.version import VERSION
from src.features import catalogue
from src.modeling.evaluation.forecast_record import ForecastRecord, to_parquet
from src.modeling.experiment import summary
from src.modeling.experiment.promotion import ZERO, PromotionDecision
from src.registry.formats.models import LinearModel, Model
from src.registry.storage.artifact import Artifact

if TYPE_CHECKING:
    from src.modeling.experiment.run import WalkForwardResult
    from src.modeling.serving.pool_data import PoolMembers
    from src.stages.stage import RunContext

# Stored where no candidate can be: it forecasts no change.
ZERO_MODEL = LinearModel((), np.zeros(0), 0.0)


def build_artifact(
    context: RunContext,
    members: PoolMembers,
    horizon: str,
    result: WalkForwardResult,
    decision: PromotionDecision,
    record: ForecastRecord,
    leak: str | None,
) -> Artifact:
    """The model set of a pool at ``short`` or ``long``, not stored yet.

    ``record`` is the evidence that lies with it; ``leak`` says why nothing was fitted, if so.
    """
    candidate = decision.candidate if decision.candidate in result.models else ZERO
    sessions, verdict = result.panel.sessions, decision.verdict
    return Artifact(
        pool=members.pool,
        horizon=horizon,
        sessions=result.horizon,
        candidate=candidate,
        model=_model(result, candidate),
        features_version=catalogue.version(),
        trained_at=context.now.isoformat(timespec="seconds"),
        fitted_through=_session(result, result.fitted_through.get(candidate)),
        session=str(sessions[result.panel.last_complete]),
        code_version=VERSION,
        data_hash=members.data_hash,
        config_hash=config_hash(context.settings),
        config=context.settings.result_settings(),
        served=decision.champion.served,
        since=str(decision.champion.since or ""),
        verdict=verdict.verdict,
        reason=_reason(decision, leak),
        trials=verdict.configurations,
        evidence=[asdict(criterion) for criterion in verdict.evidence],
        judged={
            "n": verdict.n,
            "dates": verdict.dates,
            "n_eff": verdict.n_eff,
            "sessions_until_decidable": verdict.sessions_until_decidable,
            "skill_range": verdict.skill_range,
        },
        metrics=summary.pool_metrics(result),
        tickers=len(members.tickers),
        coverage=summary.coverage(result),
        forecasts=to_parquet(record),
    )


def _model(result: WalkForwardResult, candidate: str) -> Model:
    return result.models.get(candidate, ZERO_MODEL)


def _session(result: WalkForwardResult, row: int | None) -> str:
    return "" if row is None else str(result.panel.sessions[row])


def _reason(decision: PromotionDecision, leak: str | None) -> str:
    if leak is None:
        return decision.reason.rstrip(".")
    return f"a leak is likely, so nothing was trained and zero is served ({leak})"
