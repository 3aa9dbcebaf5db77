"""Trials whose challengers answer a share of the clients, put there as runs and people would."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from src.core.trials import Trial
from src.db.tables.trials import TrialLog
from src.modeling.trials.split import set_share
from src.registry.storage.artifact import Artifact
from src.registry.storage.artifact_store import ArtifactStore
from tests.support.answers import DAY
from tests.support.models import make_artifact
from tests.support.trials import AT, registered_trial

# What the ridge of ``make_artifact`` forecasts from ``INPUTS``: .1 x .02 - .015 / 3 + .0007.
POINT = -0.0023


def put_trial(connection: Any, **changes: Any) -> Trial:
    """Register a trial, whatever is live."""
    trial: Trial = registered_trial(**changes)
    TrialLog(connection).register(trial)
    return trial


def put_challenger(
    connection: Any, models: Path, trial: Trial, artifact: Artifact | None = None
) -> Artifact:
    """Store the newest model of a trial's challenger, as a run does; returned with its digest."""
    place = {"pool": trial.pool, "horizon": trial.horizon, "sessions": trial.sessions}
    made = artifact or make_artifact(**place, reason=f"challenger of trial {trial.hash[:12]}")
    stored = ArtifactStore(models).write(made)
    connection.execute(
        "INSERT INTO shadow_models (hash, digest, session, at) VALUES (%s, %s, %s, %s)",
        (trial.hash, stored.digest, DAY, AT),
    )
    return stored


def split(connection: Any, trial: Trial, share: float) -> None:
    """Set the share of a trial's split."""
    set_share(connection, trial, share, "A. Rao", "to see it", AT)


def number_of(trial: Trial, client: str) -> float:
    """A client's number as the manual says: the first 13 digits of a SHA-256 as a fraction."""
    digits = hashlib.sha256(f"{trial.hash}\n{client}".encode()).hexdigest()[:13]
    return int(digits, 16) / 4503599627370496  # 16 ** 13
