"""A trained candidate for one ticker and horizon, with its evaluation and its origin."""

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
    """No model of a ticker and horizon, or none at all, has been stored yet."""

    def __init__(self, ticker: str = "", horizon: str = "") -> None:
        which = f"{horizon} model for {ticker}" if ticker else "model"
        option = f" --ticker {ticker}" if ticker else ""
        super().__init__(f"There is no {which} yet: run `python -m mlops.pipeline{option}` first.")


class CorruptArtifact(ForecastError):
    """The model's files are damaged: train again, or roll back."""


class SignatureRefused(CorruptArtifact):
    """The model's files are not signed by any of the keys that are set."""


def environment() -> dict[str, str]:
    """Versions that can change a number, without importing what they are of."""
    packages = ("numpy", "scikit-learn", "skops")
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        **{name: installed(name) for name in packages},
    }


@dataclass(frozen=True, eq=False)
class Artifact:
    """A candidate for one ticker and horizon, how it was evaluated, and which model is served.

    Attributes:
        horizon: ``short`` or ``long``; ``sessions`` is how far ahead that is.
        served: Name of the model that answers: ``zero`` unless the candidate won the gate.
        since: The session at whose close that was decided, ISO 8601; empty when it never was.
        verdict: ``better``, ``worse``, ``undecided`` or ``none``; ``reason`` is its sentence.
        evidence: What the verdict rests on: name, value, limit, passed.
        metrics: Rows of the leaderboard, of the ticker itself.
        pool: Number of ``tickers`` it was evaluated with, and their ``metrics``.
        trials: Configurations tried before this one was reported.
        trained_at: UTC, ISO 8601.
        digest: SHA-256 of the manifest; empty until stored.

    Raises:
        ValueError: For an unknown horizon, or a candidate served that was never promoted.
    """

    ticker: str
    horizon: str
    sessions: int
    candidate: str
    model: Model
    features_version: str
    trained_at: str
    code_version: str
    data_hash: str
    config_hash: str
    verdict: str = "none"
    reason: str = ""
    served: str = "zero"
    since: str = ""
    trials: int = 1
    evidence: Sequence[Mapping[str, Any]] = ()
    pool: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    metrics: Sequence[Mapping[str, Any]] = ()
    environment: Mapping[str, str] = field(default_factory=environment)
    digest: str = ""

    def __post_init__(self) -> None:
        if self.horizon not in HORIZONS or self.sessions < 1:
            raise ValueError(f"unknown horizon {self.horizon!r}, {self.sessions} sessions")
        won = self.served == self.candidate and self.since and self.verdict != "worse"
        if self.served != "zero" and not won:
            raise ValueError(f"{self.served!r} is served but was never promoted")

    @property
    def pair(self) -> Pair:
        """Ticker and horizon."""
        return self.ticker, self.horizon
