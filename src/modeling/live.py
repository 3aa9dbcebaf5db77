"""The live models of one ticker and its newest features in; both forecasts out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from src.core.errors import ForecastError
from src.core.tables import FEATURES_DAILY
from src.modeling import intervals, newest, outlook, panel
from src.modeling.contest import Known
from src.modeling.panel import Panel
from src.modeling.predictor import forecast
from src.modeling.train import TABLES
from src.registry.artefacts import Artefact
from src.stages.stage import RunContext

if TYPE_CHECKING:
    import polars as pl

    from src.registry.live_models import LiveModels


def stored_forecasts(
    context: RunContext, ticker: str, pools: Sequence[pl.DataFrame]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Forecasts from the stored artefacts, and a sentence for each horizon that has none.

    Args:
        context: Of a run for this ticker.
        ticker: Whose.
        pools: ``known_pools`` of the context.
    """
    if context.models is None:
        return [], ["The stored models know later prices: train to forecast from a past session."]
    features = context.store.load(FEATURES_DAILY, [ticker], context.as_of)
    if features.is_empty():
        return [], [f"{ticker} has no features yet: run `python -m mlops.pipeline` first."]
    row = features.sort("date").row(-1, named=True)
    stored, problems = _stored(context.models, ticker)
    forecasts = []
    for pool in pools if stored else ():
        whole = panel.build(pool, context.calendar)
        for one in stored:
            try:
                forecasts.append(_forecast(context, one, whole, row))
            except ForecastError as error:
                problems.append(str(error))
    return forecasts, problems


def _stored(models: LiveModels, ticker: str) -> tuple[list[Artefact], list[str]]:
    stored, problems = [], []
    for horizon in TABLES:
        try:
            stored.append(models.load(ticker, horizon))
        except ForecastError as error:
            problems.append(str(error))
    return stored, problems


def _forecast(
    context: RunContext, artefact: Artefact, whole: Panel, row: Mapping[str, Any]
) -> dict[str, Any]:
    ticker, horizon = artefact.ticker, artefact.sessions
    at, column = newest.last_bar(whole, ticker), whole.tickers.index(ticker)
    known = Known(whole)
    made = intervals.walk_forward(whole, horizon, since=at, inputs=known.variances)
    values: dict[str, float] = {}
    if artefact.model.features:
        recent = newest.recent(whole, at)
        values = newest.inputs(
            artefact.model,
            Known(recent).features,
            len(recent.sessions) - 1,
            column,
            float(made.sigma[at, column]),
            horizon,
        )
    return forecast(
        artefact,
        {**row, **values},
        calendar=context.calendar,
        outlook=outlook.at(made, at, column),
    )
