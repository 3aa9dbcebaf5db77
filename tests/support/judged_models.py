"""Model sets that the gate itself has judged, on outcomes and forecasts of a test."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from src.core.arrays import Floats
from src.modeling.evaluation.leaderboard import point_scores
from src.modeling.gate.verdict import Verdict
from src.registry.storage.artifact import Artifact
from tests.support.models import make_artifact


def judged_artifact(actual: Floats, points: Floats, verdict: Verdict, **changes: Any) -> Artifact:
    """What a training stores of a candidate whose forecasts were judged so; zero is served."""
    horizon = changes.get("sessions", 1)
    measured = point_scores(actual, points, np.zeros_like(actual), horizon)
    numbers = ("n", "dates", "n_eff", "sessions_until_decidable", "skill_range")
    fields = {
        "verdict": verdict.verdict,
        "reason": verdict.reason.rstrip("."),
        "evidence": [asdict(criterion) for criterion in verdict.evidence],
        "judged": {name: getattr(verdict, name) for name in numbers},
        "metrics": [{"name": "ridge", **measured}],
    }
    return make_artifact(**fields | changes)
