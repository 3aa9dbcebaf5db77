"""Compute what a model needs of its whole pool at one session, from the rows of its tickers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from src.modeling.points.candidates import RANK_MEAN
from src.registry.formats.models import Model, RankTilt

if TYPE_CHECKING:
    from src.registry.storage.artifact import Artifact

Row = Mapping[str, Any]


def pool_inputs(model: Model, rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The inputs of a model that are the same for its whole pool at one session, by name.

    A rank tilt compares a ticker with the mean rank that it predicts for the pool. ``rows`` have
    the inputs of the tickers at that session; one that lacks an input has no rank. Other models
    need nothing.
    """
    if not isinstance(model, RankTilt):
        return {}
    names = model.features[:-2]
    known = [[row[name] for name in names] for row in rows if all(name in row for name in names)]
    if not known:
        return {}
    return {RANK_MEAN: float(model.trees.predict(np.array(known)).mean()) + 0.0}


def needs_pool(model: Model) -> bool:
    """Whether a model needs ``pool_inputs``."""
    return RANK_MEAN in model.features


def pool_row_of(artifact: Artifact, rows: Sequence[Row], written_at: dt.datetime) -> dict[str, Any]:
    """A row of ``pool_inputs`` for a model, from the rows of ``serving_inputs`` of its pool.

    It is of the newest session that the pool is judged at: rows with a note are of later ones.
    Rows of the other horizon count for nothing; there must be some of the model's.
    """
    of_horizon = [row for row in rows if row["horizon"] == artifact.horizon]
    judged = [row for row in of_horizon if row["note"] is None] or of_horizon
    session = max(row["feature_date"] for row in judged)
    inputs = [row["inputs"] for row in judged if row["feature_date"] == session]
    return {
        "pool": artifact.pool,
        "horizon": artifact.horizon,
        "digest": artifact.digest,
        "session": session,
        "inputs": pool_inputs(artifact.model, inputs),
        "written_at": written_at,
    }
