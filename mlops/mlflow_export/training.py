"""Describe a training as MLflow has it: parameters, metrics, tags and files."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.core.model_events import BASELINE
from src.registry.storage.artifact_store import MODELS
from src.registry.storage.model_set import MANIFEST

if TYPE_CHECKING:
    from src.core.model_events import ModelEvent

RUNS = Path("mlops") / "runs"
EVENT, DIGEST = "forecast.event", "forecast.digest"
LONGEST = 5000  # characters of a tag

# Of the evidence, what says of what a model was made.
_ORIGIN = (
    "candidate",
    "trials",
    "tickers",
    "session",
    "fitted_through",
    "since",
    "data_hash",
    "config_hash",
    "code_version",
    "features_version",
)


@dataclass(frozen=True)
class Training:
    """A training of one pool and horizon.

    Attributes:
        name: Such as ``NSE short 2026-04-17``.
        at: When it was, in milliseconds since 1970, UTC.
        metrics: Of the leaderboard, such as ``ridge.mae``; and of the gate's evidence.
        model: The folder of the set; None where training has removed it since.
        reports: Pages of the run that trained.
    """

    name: str
    digest: str
    event_id: int
    at: int
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    model: Path | None
    reports: tuple[Path, ...]


def describe(event: ModelEvent, home: Path) -> Training:
    """What is logged of an event ``trained`` of a pool."""
    model, evidence = home / MODELS / event.pool / event.horizon / event.digest, event.evidence
    params = {"pool": event.pool, "horizon": event.horizon, "served": event.served}
    params |= {name: str(evidence[name]) for name in _ORIGIN if evidence.get(name)}
    config = _config(model)
    params |= {f"config.{name}": str(value) for name, value in _flat(config or {})}
    return Training(
        name=" ".join(filter(None, (event.pool, event.horizon, str(evidence.get("session", ""))))),
        digest=event.digest,
        event_id=event.event_id,
        at=int(event.at.timestamp() * 1000),
        params=params,
        metrics=dict(_metrics(evidence)),
        tags={
            EVENT: str(event.event_id),
            DIGEST: event.digest,
            "forecast.run": event.by_whom,
            "forecast.verdict": event.verdict,
            "forecast.promoted": str(event.served not in ("", BASELINE)).lower(),
            "mlflow.note.content": event.reason[:LONGEST],
        },
        model=None if config is None else model,
        reports=_reports(home / RUNS / event.by_whom, event),
    )


def _config(model: Path) -> Mapping[str, Any] | None:
    """With which settings a set was trained; None where training has removed it since."""
    try:
        manifest = json.loads((model / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return None
    config: Mapping[str, Any] = manifest.get("config", {})
    return config


def _metrics(evidence: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for row in evidence.get("metrics", ()):
        numbers = {name: value for name, value in row.items() if name != "name"}
        yield from _numbers(str(row.get("name")), numbers)
    for row in evidence.get("verdict", ()):
        yield from _numbers(
            f"gate.{row['name']}", {key: row.get(key) for key in ("value", "limit")}
        )
    yield from _numbers("judged", evidence.get("judged", {}))


def _numbers(prefix: str, values: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and math.isfinite(value):
            yield f"{prefix}.{name}", float(value)


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _reports(folder: Path, event: ModelEvent) -> tuple[Path, ...]:
    """That of the pool and horizon, or of the one ticker that the run was for."""
    names = (f"report_{event.pool}_{event.horizon}.html", "report.html")
    return tuple(folder / name for name in names if (folder / name).is_file())
