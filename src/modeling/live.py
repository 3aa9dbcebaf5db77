"""The live models of one ticker and its newest features in; both forecasts out."""

from __future__ import annotations

from typing import Any

from src.core.errors import ForecastError
from src.core.tables import FEATURES_DAILY
from src.modeling.outlook import NOTHING, outlooks
from src.modeling.predictor import forecast
from src.modeling.train import MODELS, TABLES
from src.registry import artefacts
from src.stages.stage import RunContext


def stored_forecasts(context: RunContext, ticker: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Forecasts from the stored artefacts, and a sentence for each horizon that has none."""
    if not context.live:
        return [], ["The stored models know later prices: train to forecast from a past session."]
    features = context.store.load(FEATURES_DAILY, [ticker], context.as_of)
    if features.is_empty():
        return [], [f"{ticker} has no features yet: run `python -m mlops.pipeline` first."]
    newest = features.sort("date").row(-1, named=True)
    stored, problems = [], []
    for horizon in TABLES:
        try:
            stored.append(artefacts.load(context.settings.home / MODELS, ticker, horizon))
        except ForecastError as error:
            problems.append(str(error))
    said = outlooks(context, [one.sessions for one in stored]) if stored else {}
    forecasts = []
    for one in stored:
        outlook = said.get((ticker, one.sessions), NOTHING)
        try:
            forecasts.append(forecast(one, newest, calendar=context.calendar, outlook=outlook))
        except ForecastError as error:
            problems.append(str(error))
    return forecasts, problems
