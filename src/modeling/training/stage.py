"""Stage: features and clean prices in; datasets, judged candidates and artifacts out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from src.core.tables import CLEAN_DAILY, DATASET_LONG, DATASET_SHORT, FEATURES_DAILY, Table
from src.modeling.experiment.promotion import decide_promotion
from src.modeling.panel import labels, panel
from src.modeling.panel.known_pools import known_pools, newest_row, pool_hash
from src.modeling.points.fit_cache import DiskFitCache
from src.modeling.serving.stored_models import record
from src.modeling.training import pool_training
from src.modeling.training.publish import answering, current_champion
from src.modeling.training.report.build import page
from src.modeling.training.result import TrainingResult, build_result
from src.stages.stage import RunContext, Stage, StageReport

if TYPE_CHECKING:
    from src.modeling.panel.labels import Dataset

FITS = Path("var") / "fits"
TABLES: Mapping[str, Table] = {"short": DATASET_SHORT, "long": DATASET_LONG}


def run(context: RunContext) -> StageReport:
    """Judge the candidates of every ticker's pool; live runs store datasets and artifacts."""
    features = context.store.load(FEATURES_DAILY, context.tickers, context.as_of)
    features = features.select(_in_use(features))
    labelled = _datasets(context, features)
    for name, table in TABLES.items():
        frames = [labelled[ticker, name].frame for ticker in context.tickers]
        context.store.replace(table, context.tickers, pl.concat(frames))
    warnings: list[str] = []
    made: list[TrainingResult] = []
    pools = known_pools(context)
    data_hash = pool_hash(pools)
    for pool in pools:
        made.extend(_pool(context, pool, features, labelled, data_hash, warnings))
    files = _reports(context, made)
    made = answering(context, made)
    forecasts = [one.forecast(context) for one in made]
    record(context, [one.serving_row(context) for one in made], forecasts)
    return StageReport(
        rows=sum(one.frame.height for one in labelled.values()),
        details={
            "models": [one.as_results_json() for one in made],
            "forecasts": forecasts,
            "data_hash": data_hash,
        },
        warnings=(*warnings, *_without_candidate(made)),
        files=files,
    )


def _datasets(context: RunContext, features: pl.DataFrame) -> dict[tuple[str, str], Dataset]:
    horizons = context.settings.training.horizons
    made = {}
    for ticker in context.tickers:
        own = features.filter(ticker=ticker)
        clean = context.store.load(CLEAN_DAILY, [ticker], context.as_of)
        for horizon in TABLES:
            made[ticker, horizon] = labels.build(
                own,
                clean,
                horizon=getattr(horizons, horizon),
                feature_window=int(own["warm_up"].sum()) + 1,
                calendar=context.calendar,
            )
    return made


def _pool(
    context: RunContext,
    pool: pl.DataFrame,
    features: pl.DataFrame,
    labelled: Mapping[tuple[str, str], Dataset],
    data_hash: str,
    warnings: list[str],
) -> Iterator[TrainingResult]:
    """Train one pool, and decide for each of the context's tickers in it."""
    whole = panel.build(pool, context.calendar)
    fit_cache = DiskFitCache(context.settings.home / FITS)
    suspicion = _likely_leak(labelled, [one for one in context.tickers if one in whole.tickers])
    trained = pool_training.train_pool(whole, context.settings, fit_cache, suspicion)
    for ticker in context.tickers:
        own = features.filter(ticker=ticker)
        if ticker not in whole.tickers or own.is_empty():
            continue
        for horizon, held in trained.results.items():
            now, doubts = current_champion(context.models, ticker, horizon, held.horizon)
            warnings.extend(doubts)
            yield build_result(
                context,
                trained,
                decide_promotion(held, now),
                labelled[ticker, horizon],
                newest_row(ticker, own, [pool]),
                horizon=horizon,
                data_hash=data_hash,
            )


def _likely_leak(labelled: Mapping[tuple[str, str], Dataset], tickers: Sequence[str]) -> str | None:
    """What the canary says of the stored features of each ticker."""
    for ticker in tickers:
        dataset = labelled[ticker, "short"]
        names = [name for name in dataset.features if _scale_free(name)]
        found = pool_training.leaking(
            names,
            dataset.frame.select(names).to_numpy(),
            dataset.frame["target"].to_numpy(),
            tickers=1,
            sessions=dataset.frame.height,
        )
        if found:
            return found
    return None


def _scale_free(name: str) -> bool:
    return not (name.startswith("sma_") or name == "volume")


def _reports(context: RunContext, made: Sequence[TrainingResult]) -> dict[str, str]:
    """The page of each ticker, before anything is made live: what cannot be shown is not served."""
    pages = {}
    for ticker in dict.fromkeys(one.artifact.ticker for one in made):
        name = "report.html" if len(context.tickers) == 1 else f"report_{ticker}.html"
        own = [one for one in made if one.artifact.ticker == ticker]
        pages[name] = page(own, context)
    return pages


def _without_candidate(made: list[TrainingResult]) -> Iterator[str]:
    for one in made:
        if one.artifact.candidate == "zero":
            yield f"{one.artifact.ticker}, {one.artifact.horizon}: {one.artifact.reason}."


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
    summary="Build both datasets, walk the pool's candidates forward, and judge the challenger.",
    reads=(FEATURES_DAILY, CLEAN_DAILY),
    writes=(DATASET_SHORT, DATASET_LONG),
    run=run,
)
