"""Stage: build the datasets, train every pool, decide what is served, and make models live."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from src.core.tables import (
    ACTION_HISTORY,
    CLEAN_DAILY,
    CORPORATE_ACTIONS,
    DATASETS,
    FEATURES_DAILY,
)
from src.features import catalogue
from src.modeling.experiment.promotion import decide_promotion
from src.modeling.panel import labels, panel
from src.modeling.panel.pools import load_clean, load_pools, newest_row, pool_hash
from src.modeling.points.fit_cache import DiskFitCache
from src.modeling.serving.stored_models import record
from src.modeling.training import pool_training
from src.modeling.training.publish import as_answered, current_champion, publish_results
from src.modeling.training.report.build import build_report
from src.modeling.training.result import TrainingResult, build_result
from src.registry.storage.signing import signing_keys
from src.stages.stage import RunContext, Stage, StageReport

if TYPE_CHECKING:
    from src.config.settings import FeatureSettings, Settings
    from src.modeling.panel.labels import Dataset

    # By ticker and ``short`` or ``long``.
    Datasets = Mapping[tuple[str, str], Dataset]

FITS = Path("var") / "fits"


def run(context: RunContext) -> StageReport:
    """Train the pool of every ticker; a live run stores datasets, models and forecasts.

    Reports are drawn before anything goes live: what cannot be shown is not served.
    """
    features = context.store.load(FEATURES_DAILY, context.tickers, context.as_of)
    features = features.select(_columns_in_use(features))
    datasets = _store_datasets(context, features)
    warnings: list[str] = []
    results: list[TrainingResult] = []
    pools = load_pools(context)
    data_hash = pool_hash(pools)
    for pool in pools:
        results.extend(_train(context, pool, features, datasets, data_hash, warnings))
    files = _reports(context, results)
    results = publish_results(context, results)
    forecasts = [result.forecast(context) for result in results]
    record(context, [result.serving_row(context) for result in results], forecasts)
    return StageReport(
        rows=sum(dataset.frame.height for dataset in datasets.values()),
        details={
            "models": [result.as_results_json() for result in results],
            "forecasts": forecasts,
            "data_hash": data_hash,
        },
        warnings=(*warnings, *_without_candidate(results)),
        files=files,
    )


def _store_datasets(context: RunContext, features: pl.DataFrame) -> Datasets:
    """Build the labels of both horizons, and write them."""
    horizons = context.settings.training.horizons
    datasets = {}
    for ticker in context.tickers:
        ticker_features = features.filter(ticker=ticker)
        clean = load_clean(context.store, [ticker], context.as_of, context.known_at)
        for horizon in DATASETS:
            datasets[ticker, horizon] = labels.build(
                ticker_features,
                clean,
                horizon=getattr(horizons, horizon),
                feature_window=int(ticker_features["warm_up"].sum()) + 1,
                calendar=context.calendar,
            )
    for horizon, table in DATASETS.items():
        frames = [datasets[ticker, horizon].frame for ticker in context.tickers]
        context.store.replace(table, context.tickers, pl.concat(frames))
    return datasets


def _train(
    context: RunContext,
    pool: pl.DataFrame,
    features: pl.DataFrame,
    datasets: Datasets,
    data_hash: str,
    warnings: list[str],
) -> Iterator[TrainingResult]:
    """Train one pool, and decide for each of the context's tickers in it."""
    whole = panel.build(pool, context.calendar)
    members = [ticker for ticker in context.tickers if ticker in whole.tickers]
    training = pool_training.train_pool(
        whole,
        context.settings,
        _fit_cache(context.settings),
        _leak_in_datasets(datasets, members, context.settings.features),
    )
    for ticker in members:
        ticker_features = features.filter(ticker=ticker)
        if ticker_features.is_empty():
            continue
        newest = newest_row(ticker, ticker_features, [pool])
        for horizon, walk_forward in training.results.items():
            champion, doubts = current_champion(
                context.models, ticker, horizon, walk_forward.horizon
            )
            warnings.extend(doubts)
            yield build_result(
                context,
                training,
                decide_promotion(walk_forward, champion),
                datasets[ticker, horizon],
                newest,
                horizon=horizon,
                data_hash=data_hash,
            )


def _fit_cache(settings: Settings) -> DiskFitCache:
    keys = signing_keys(settings)
    return DiskFitCache(settings.home / FITS, keys[0] if keys else None)


def _leak_in_datasets(
    datasets: Datasets, tickers: Sequence[str], windows: FeatureSettings
) -> str | None:
    """The first stored feature that correlates with the next return beyond the honest limit.

    Levels are left out: they trend, and so correlate by chance.
    """
    scale_free = {feature.name for feature in catalogue.features(windows) if feature.scale_free}
    for ticker in tickers:
        dataset = datasets[ticker, "short"]
        names = [name for name in dataset.features if name in scale_free]
        leak = pool_training.find_leak_in_rows(
            names,
            dataset.frame.select(names).to_numpy(),
            dataset.frame["target"].to_numpy(),
            tickers=1,
            sessions=dataset.frame.height,
        )
        if leak:
            return leak
    return None


def _reports(context: RunContext, results: Sequence[TrainingResult]) -> dict[str, str]:
    """The report page of each ticker, by file name."""
    pages = {}
    for ticker in dict.fromkeys(result.artifact.ticker for result in results):
        name = "report.html" if len(context.tickers) == 1 else f"report_{ticker}.html"
        of_ticker = [
            (result, as_answered(context.models, result))
            for result in results
            if result.artifact.ticker == ticker
        ]
        pages[name] = build_report(of_ticker, context)
    return pages


def _without_candidate(results: Sequence[TrainingResult]) -> Iterator[str]:
    """A warning for each model without a candidate."""
    for result in results:
        artifact = result.trained
        if artifact.candidate == "zero":
            yield f"{artifact.ticker}, {artifact.horizon}: {artifact.reason}."


def _columns_in_use(features: pl.DataFrame) -> list[str]:
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
    reads=(FEATURES_DAILY, CLEAN_DAILY, CORPORATE_ACTIONS, ACTION_HISTORY),
    writes=tuple(DATASETS.values()),
    run=run,
)
