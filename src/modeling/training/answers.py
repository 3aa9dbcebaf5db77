"""Put together what a run reports of one pool: its models, and the forecasts of its tickers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from src.core.tables import HORIZONS
from src.modeling.serving.stored_models import live_forecasts
from src.modeling.training.report_inputs import draw_stored

if TYPE_CHECKING:
    from src.modeling.serving.pool_data import PoolMembers
    from src.registry.storage.artifact import Artifact
    from src.stages.stage import RunContext


@dataclass(frozen=True, eq=False)
class PoolAnswers:
    """What became of one pool in a run.

    Attributes:
        trained: The newest training of each horizon, whether it is live or not.
        events: What this run decided, by horizon; none where the pool had been judged before.
        forecasts: Entries of ``forecasts`` in results.json, of the run's tickers.
        files: Report pages by name.
    """

    members: PoolMembers
    trained: Mapping[str, Artifact]
    forecasts: Sequence[dict[str, Any]]
    events: Mapping[str, str] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    files: Mapping[str, str] = field(default_factory=dict)

    def as_results_json(self) -> list[dict[str, Any]]:
        """Entries of ``stages.training.models`` in results.json, one a horizon."""
        return [self._model(horizon, artifact) for horizon, artifact in self.trained.items()]

    def pool_as_results_json(self) -> dict[str, Any]:
        """The entry of ``pools`` in results.json."""
        session = next((artifact.session for artifact in self.trained.values()), None)
        return {
            "tickers": len(self.members.tickers),
            "session": session,
            "judged": bool(self.events),
            "data_hash": self.members.data_hash,
        }

    def _model(self, horizon: str, artifact: Artifact) -> dict[str, Any]:
        return {
            "pool": artifact.pool,
            "horizon": horizon,
            "candidate": artifact.candidate,
            "served": artifact.served,
            "since": artifact.since or None,
            "event": self.events.get(horizon),
            "verdict": artifact.verdict,
            "reason": artifact.reason,
            "configurations": artifact.trials,
            "sessions_until_decidable": artifact.judged.get("sessions_until_decidable"),
            "evidence": list(artifact.evidence),
            "tickers": artifact.tickers,
            "metrics": list(artifact.metrics),
            "coverage": dict(artifact.coverage),
            "fitted_through": artifact.fitted_through or None,
            "trained_at": artifact.trained_at,
        }


def stored_answers(
    context: RunContext, members: PoolMembers, tickers: Sequence[str]
) -> PoolAnswers:
    """The answers of live models from stored inputs, where the pool needs no training."""
    models = context.models
    assert models is not None  # noqa: S101 only a live run finds its pool trained
    forecasts, problems = live_forecasts(context, members.pool, tickers)
    trained = {}
    for horizon in HORIZONS:
        event = models.newest(members.pool, horizon)
        if event is not None:
            trained[horizon] = models.store.load(members.pool, horizon, event.digest)
    # The pages of many tickers are those of the run that judged them.
    files = draw_stored(context, members.pool, forecasts) if len(context.tickers) == 1 else {}
    return PoolAnswers(members, trained, forecasts, warnings=problems, files=files)
