"""Gather every feature of a stock: what it is, its value, its place, its part of the forecast."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import streamlit as st

from src.core.arrays import Singles
from src.dashboard import readers
from src.dashboard.judged import Judged
from src.db.pages.analytics import FeatureHistory
from src.db.tables import live_inputs
from src.db.tables.live_inputs import LiveInputs
from src.features import catalogue
from src.features.descriptions import describe_column, describe_input
from src.modeling.serving.contributions import contributions
from src.modeling.serving.pool_inputs import needs_pool
from src.registry.storage.artifact import Artifact
from src.registry.storage.artifact_store import ArtifactStore

# Two years: long enough for a place in it, short enough to be the stock as it is now.
SESSIONS = 504
COLUMNS, OWN, POOL = "Stored columns", "Model inputs", "Ranks and market"
GROUPS = (COLUMNS, OWN, POOL)


@dataclass(frozen=True)
class FeatureRow:
    """One feature of a stock at its newest session.

    Attributes:
        group: One of ``GROUPS``.
        value: None where it is not known.
        place: Share of its own history with a smaller value; None where that is not stored.
        part: Of the model's forecast, as a return; None where the model does not use it.
    """

    name: str
    group: str
    description: str
    value: float | None
    place: float | None
    part: float | None


def feature_rows(
    ticker: str, horizon: str, history: FeatureHistory, parts: Mapping[str, float]
) -> list[FeatureRow]:
    """Every column that the guide names, and every input that models may see."""
    live = _live(ticker, horizon)
    values: Mapping[str, float] = (live.row or {}).get("inputs") or {}
    rows = [
        _stored(name, COLUMNS, describe_column(name), history, None) for name in history.columns
    ]
    rows += [
        _stored(name, OWN, describe_input(name), history, parts.get(name))
        for name in history.inputs
    ]
    known = set(history.inputs)
    others = [f.name for f in catalogue.model_features() if f.name not in known]
    others += [name for name in values if name not in known and name not in others]
    rows += [
        FeatureRow(name, POOL, describe_input(name), values.get(name), None, parts.get(name))
        for name in others
    ]
    return rows


def contributions_of(ticker: str, horizon: str, judged: Judged) -> dict[str, float]:
    """The parts of the judged model's forecast of a stock, as returns; empty where it has none.

    It has none where an input is not known, and where it would compare the newest bar of the
    stock with another session of its pool.

    Raises:
        CorruptArtifact: The model's files are damaged or missing.
    """
    row, pool_row = _live(ticker, horizon)[2:4]
    if row is None or row["note"] is not None:
        return {}
    model = _artifact(judged.pool, horizon, judged.digest).model
    if needs_pool(model) and (pool_row or {}).get("session") != row["feature_date"]:
        return {}
    return dict(contributions(model, {**row["inputs"], **((pool_row or {}).get("inputs") or {})}))


def place_of(values: Singles) -> float | None:
    """Share of the values before the newest that are smaller than it; ties count half."""
    newest, before = values[-1], values[:-1][np.isfinite(values[:-1])]
    if not np.isfinite(newest) or not before.size:
        return None
    below, equal = (before < newest).mean(), (before == newest).mean()
    return float(below + equal / 2)


def _stored(
    name: str, group: str, description: str, history: FeatureHistory, part: float | None
) -> FeatureRow:
    values = history.of(name)
    newest = float(values[-1]) if np.isfinite(values[-1]) else None
    return FeatureRow(name, group, description, newest, place_of(values), part)


def _live(ticker: str, horizon: str) -> LiveInputs:
    return readers.read(live_inputs.read, [(ticker, horizon)])[ticker, horizon]


@st.cache_resource(max_entries=4, show_spinner=False)
def _artifact(pool: str, horizon: str, digest: str) -> Artifact:
    return ArtifactStore.of(readers.settings()).load(pool, horizon, digest)
