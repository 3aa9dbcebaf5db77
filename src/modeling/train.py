"""Stage: features and clean prices in; datasets, walk-forward scores and artefacts out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from src.config.load import config_hash
from src.config.version import VERSION
from src.core.tables import CLEAN_DAILY, DATASET_LONG, DATASET_SHORT, FEATURES_DAILY, Table
from src.modeling import datasets, gate
from src.modeling.outlook import NOTHING, outlooks
from src.modeling.predictor import forecast
from src.modeling.training import likely_leak, nothing_trained, train
from src.registry import artefacts
from src.registry.artefacts import Artefact
from src.stages.hashing import frame_hash
from src.stages.stage import RunContext, Stage, StageReport

if TYPE_CHECKING:
    from src.modeling.datasets import Dataset

MODELS = Path("models")
TABLES: Mapping[str, Table] = {"short": DATASET_SHORT, "long": DATASET_LONG}


def run(context: RunContext) -> StageReport:
    """Train every ticker at both horizons; live runs store datasets and artefacts."""
    features = context.store.load(FEATURES_DAILY, context.tickers, context.as_of)
    features = features.select(_in_use(features))
    made = [
        _ticker(context, features.filter(ticker=ticker), ticker, horizon)
        for ticker in context.tickers
        for horizon in TABLES
    ]
    for name, table in TABLES.items():
        frames = [one.dataset.frame for one in made if one.artefact.horizon == name]
        context.store.replace(table, context.tickers, pl.concat(frames))
    if context.live:
        made = [one.saved(context.settings.home / MODELS) for one in made]
    said = outlooks(context, sorted({one.artefact.sessions for one in made}))
    return StageReport(
        rows=sum(one.dataset.frame.height for one in made),
        details={
            "models": [one.told() for one in made],
            "forecasts": [
                forecast(
                    one.artefact,
                    one.newest,
                    calendar=context.calendar,
                    outlook=said.get((one.artefact.ticker, one.artefact.sessions), NOTHING),
                )
                for one in made
            ],
        },
        warnings=tuple(
            f"{one.artefact.ticker}, {one.artefact.horizon}: {one.artefact.reason}."
            for one in made
            if one.artefact.candidate == "zero"
        ),
    )


@dataclass(frozen=True)
class Made:
    """One ticker and horizon: what trained, what came of it, and the newest features."""

    dataset: Dataset
    artefact: Artefact
    newest: Mapping[str, Any]
    refits: int

    def saved(self, root: Path) -> Made:
        """The same with its artefact stored and made live."""
        digest = artefacts.save(root, self.artefact).name
        artefacts.prune(root, self.artefact.ticker, self.artefact.horizon, keep=())
        return replace(self, artefact=replace(self.artefact, digest=digest))

    def told(self) -> dict[str, Any]:
        """The facts for ``results.json``."""
        return {
            "ticker": self.artefact.ticker,
            "horizon": self.artefact.horizon,
            "candidate": self.artefact.candidate,
            "served": self.artefact.served,
            "verdict": self.artefact.verdict,
            "reason": self.artefact.reason,
            "rows": self.dataset.counts,
            "refits": self.refits,
            "metrics": list(self.artefact.metrics),
        }


def _ticker(context: RunContext, features: pl.DataFrame, ticker: str, horizon: str) -> Made:
    settings = context.settings.training
    sessions = getattr(settings.horizons, horizon)
    clean = context.store.load(CLEAN_DAILY, [ticker], context.as_of)
    dataset = datasets.build(
        features,
        clean,
        horizon=sessions,
        feature_window=int(features["warm_up"].sum()) + 1,
        calendar=context.calendar,
    )
    floor = getattr(context.settings.validation.min_mae_improvement, horizon)
    leak = likely_leak(_next_session(context, features, clean))
    trained = (
        nothing_trained(dataset.features, leak)
        if leak
        else train(dataset, sessions, settings, context.calendar, floor=floor)
    )
    artefact = Artefact(
        ticker=ticker,
        horizon=horizon,
        sessions=sessions,
        candidate=trained.name,
        model=trained.model,
        features_version=features["features_version"][-1],
        trained_at=context.now.isoformat(timespec="seconds"),
        code_version=VERSION,
        data_hash=frame_hash(clean),
        config_hash=config_hash(context.settings),
        config=context.settings.modelled(),
        served=trained.name if trained.verdict == gate.BETTER else "zero",
        verdict=trained.verdict,
        reason=trained.reason,
        metrics=trained.metrics,
    )
    return Made(dataset, artefact, features.row(-1, named=True), trained.refits)


def _next_session(context: RunContext, features: pl.DataFrame, clean: pl.DataFrame) -> Dataset:
    window = int(features["warm_up"].sum()) + 1
    return datasets.build(
        features, clean, horizon=1, feature_window=window, calendar=context.calendar
    )


def _in_use(features: pl.DataFrame) -> list[str]:
    """The declared columns and this configuration's features: others are null throughout."""
    declared = list(FEATURES_DAILY.columns)
    return [
        name
        for name in features.columns
        if name in declared or features[name].null_count() < features.height
    ]


STAGE = Stage(
    name="training",
    summary="Build both datasets, walk the candidate forward and store it beside zero.",
    reads=(FEATURES_DAILY, CLEAN_DAILY),
    writes=(DATASET_SHORT, DATASET_LONG),
    run=run,
)
