"""Stage ``training``: walk each pool's candidates forward, decide what is served, publish it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from src.core.hashing import joint_hash
from src.core.tables import (
    CLEAN_DAILY,
    CLEAN_SERIES,
    DATASETS,
    FEATURE_SERIES,
    FEATURES_DAILY,
    POOL_MEMBERS,
)
from src.modeling.serving.pool_data import load_members, load_pool_panel, pool_lock, pools_of
from src.modeling.serving.stored_models import refresh_rows
from src.modeling.training.answers import PoolAnswers, stored_answers
from src.modeling.training.due import is_judged, is_unchanged, last_training
from src.modeling.training.train import train_and_publish
from src.stages.stage import RunContext, Stage, StageReport


def run(context: RunContext) -> StageReport:
    """Train the pools of the context's tickers; a live run makes the models live.

    A pool is judged once per complete session: a run that finds it judged brings the inputs of its
    own tickers up to date, and answers with the models that are live.
    """
    pools = [_run_pool(context, pool, tickers) for pool, tickers in pools_of(context).items()]
    return _report(context, pools)


def _run_pool(context: RunContext, pool: str, tickers: Sequence[str]) -> PoolAnswers:
    with pool_lock(context, pool):
        with context.store.transaction(read_only=True):
            members = load_members(context, pool)
            previous = last_training(context, pool)
            if is_unchanged(context, members, previous):
                return stored_answers(context, members, tickers)
            panel = load_pool_panel(context, members)
        if is_judged(context, members, previous, panel):
            refresh_rows(context, members, panel, tickers)
            return stored_answers(context, members, tickers)
        return train_and_publish(context, members, panel, tickers)


def _report(context: RunContext, pools: Sequence[PoolAnswers]) -> StageReport:
    forecasts = [forecast for pool in pools for forecast in pool.forecasts]
    return StageReport(
        rows=len(forecasts),
        details={
            "models": [model for pool in pools for model in pool.as_results_json()],
            "forecasts": sorted(forecasts, key=_order(context.tickers)),
            "pools": {pool.members.pool: pool.pool_as_results_json() for pool in pools},
            "data_hash": joint_hash([pool.members.data_hash for pool in pools]),
        },
        warnings=tuple(warning for pool in pools for warning in pool.warnings),
        files={name: page for pool in pools for name, page in pool.files.items()},
    )


def _order(tickers: Sequence[str]) -> Callable[[Mapping[str, Any]], int]:
    places = {ticker: place for place, ticker in enumerate(tickers)}
    return lambda forecast: places[forecast["ticker"]]


STAGE = Stage(
    name="training",
    summary="Walk each pool's candidates forward, and judge the challenger.",
    reads=(
        *(POOL_MEMBERS, FEATURES_DAILY, *DATASETS.values()),
        *(CLEAN_DAILY, CLEAN_SERIES, FEATURE_SERIES),
    ),
    writes=(),
    run=run,
)
