"""A trained candidate for one pool and horizon, with its evaluation and its origin."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version as installed
from typing import Any

from src.core.errors import ForecastError
from src.core.model_events import Pair
from src.core.tables import HORIZONS
from src.registry.formats.models import Model


class NoModel(ForecastError):
    """No model of a pool and horizon, or none at all, has been stored yet."""

    def __init__(self, pool: str = "", horizon: str = "", ticker: str = "") -> None:
        which = f"{horizon} model of {ticker or pool}" if horizon else "model"
        option = f" --ticker {ticker}" if ticker else ""
        super().__init__(f"There is no {which} yet: run `python -m mlops.pipeline{option}` first.")


class CorruptArtifact(ForecastError):
    """The model's files are damaged: train again, or roll back."""


class SignatureRefused(CorruptArtifact):
    """The model's files are not signed by any of the keys that are set."""


def environment() -> dict[str, str]:
    """Versions that can change a number, without importing what they are of."""
    packages = ("numpy", "scikit-learn", "safetensors")
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        **{name: installed(name) for name in packages},
    }


@dataclass(frozen=True, eq=False)
class Artifact:
    """A candidate for one pool and horizon, how it was evaluated, and which model is served.

    Attributes:
        horizon: ``short`` or ``long``; ``sessions`` is how far ahead that is.
        trained_at: When the model was fitted; UTC, ISO 8601.
        fitted_through: The session at which the last outcome ended that the fit saw, ISO 8601;
            empty without a fit.
        session: The last complete session, at which it was judged, ISO 8601.
        served: Name of the model that answers: ``zero`` unless the candidate won the gate.
        since: The session at whose close that was decided, ISO 8601; empty when it never was.
        verdict: ``better``, ``worse``, ``undecided`` or ``none``; ``reason`` is its sentence.
        judged: Numbers behind the verdict: of outcomes, dates and sessions until it is decidable,
            and the 95 % range of the skill.
        evidence: What the verdict rests on: name, value, limit, passed.
        metrics: Rows of the leaderboard, over all tickers of the pool.
        tickers: How many those are.
        coverage: Shares of outcomes inside the intervals, by level.
        trials: Configurations tried before this one was reported.
        forecasts: The forecasts it was judged by, as a Parquet file; not read with the model.
        digest: SHA-256 of the manifest; empty until stored.

    Raises:
        ValueError: For an unknown horizon, or a candidate served that was never promoted.
    """

    pool: str
    horizon: str
    sessions: int
    candidate: str
    model: Model
    features_version: str
    trained_at: str
    code_version: str
    data_hash: str
    config_hash: str
    fitted_through: str = ""
    session: str = ""
    verdict: str = "none"
    reason: str = ""
    served: str = "zero"
    since: str = ""
    trials: int = 1
    judged: Mapping[str, Any] = field(default_factory=dict)
    evidence: Sequence[Mapping[str, Any]] = ()
    metrics: Sequence[Mapping[str, Any]] = ()
    tickers: int = 1
    coverage: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=environment)
    forecasts: bytes = b""
    digest: str = ""

    def __post_init__(self) -> None:
        if self.horizon not in HORIZONS or self.sessions < 1:
            raise ValueError(f"unknown horizon {self.horizon!r}, {self.sessions} sessions")
        won = self.served == self.candidate and self.since and self.verdict != "worse"
        if self.served != "zero" and not won:
            raise ValueError(f"{self.served!r} is served but was never promoted")

    @property
    def pair(self) -> Pair:
        """Pool and horizon."""
        return self.pool, self.horizon
