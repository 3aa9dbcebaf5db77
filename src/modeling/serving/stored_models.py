"""Forecast with stored models from their tickers' last bars, and record live forecasts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from src.core.errors import ForecastError
from src.core.tables import FEATURES_DAILY, HORIZONS
from src.modeling.panel import panel
from src.modeling.panel.pools import newest_row, pool_hash
from src.modeling.serving.inputs import ModelInputs, build_model_inputs
from src.modeling.serving.predict import forecast
from src.modeling.serving.records import prediction_row, serving_row
from src.registry.storage.artifact import Artifact

if TYPE_CHECKING:
    import polars as pl

    from src.config.settings import Horizons
    from src.core.model_events import Pin
    from src.stages.stage import RunContext

LoadModel = Callable[[str, str], Artifact]
FindPin = Callable[[str, str], "Pin | None"]
NewestRows = Mapping[str, Mapping[str, Any]]


@dataclass
class StoredForecasts:
    """Forecasts of stored models.

    Attributes:
        forecasts: Entries of ``forecasts`` in results.json.
        rows: Of ``serving_inputs``, one for each forecast.
        problems: By ticker and horizon, a sentence where there is no forecast.
    """

    forecasts: list[dict[str, Any]] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    problems: dict[tuple[str, str], str] = field(default_factory=dict)


def stored_forecasts(
    context: RunContext, ticker: str, pools: Sequence[pl.DataFrame]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Forecasts of a ticker's live models, and a sentence for each horizon that has none.

    A live run stores what they were made from, and logs them. ``pools`` are those of
    ``load_pools``.
    """
    if context.models is None:
        return [], [
            "The stored models were trained on later prices: to forecast from a past session, run "
            "without --skip-training."
        ]
    models = context.models
    result = forecast_with(context, models.load, [ticker], pools, find_pin=models.pin)
    record(context, result.rows, result.forecasts)
    return result.forecasts, list(dict.fromkeys(result.problems.values()))


def forecast_with(
    context: RunContext,
    load: LoadModel,
    tickers: Sequence[str],
    pools: Sequence[pl.DataFrame],
    *,
    find_pin: FindPin = lambda _ticker, _horizon: None,
) -> StoredForecasts:
    """Forecast both horizons of each ticker from its last bar, one pool after another.

    ``load`` gives the model of a ticker and horizon; ``pools`` are those of ``load_pools``;
    ``find_pin`` says where a rollback pinned the model of a ticker and horizon.
    """
    result = StoredForecasts()
    newest = _newest_rows(context, tickers, pools, result.problems)
    artifacts = _load_models(
        load, sorted(newest), context.settings.training.horizons, result.problems
    )
    for pool in pools if artifacts else ():
        whole = panel.build(pool, context.calendar)
        data_hash = pool_hash([pool])
        members = [artifact for artifact in artifacts if artifact.ticker in whole.tickers]
        for inputs in build_model_inputs(whole, members):
            newest_of_ticker = newest[inputs.artifact.ticker]
            pin = find_pin(*inputs.artifact.pair)
            _forecast(context, inputs, newest_of_ticker, data_hash, pin, result)
    return result


def record(
    context: RunContext, rows: Sequence[Mapping[str, Any]], forecasts: Sequence[Mapping[str, Any]]
) -> None:
    """Store the inputs of live models, and log the forecasts made from them, if a run is live.

    ``rows`` are of ``serving_inputs``; ``forecasts`` are entries of results.json, one for each.
    """
    if context.records is None:
        return
    context.records.serving.write(rows)
    context.records.forecasts.log(
        [
            prediction_row(forecast, row, context.now)
            for forecast, row in zip(forecasts, rows, strict=True)
        ]
    )


def _newest_rows(
    context: RunContext,
    tickers: Sequence[str],
    pools: Sequence[pl.DataFrame],
    problems: dict[tuple[str, str], str],
) -> NewestRows:
    """The newest features of each ticker that has some."""
    rows = {}
    for ticker in tickers:
        features = context.store.load(FEATURES_DAILY, [ticker], context.as_of)
        try:
            rows[ticker] = newest_row(ticker, features, pools)
        except ForecastError as error:
            problems |= {(ticker, horizon): str(error) for horizon in HORIZONS}
    return rows


def _load_models(
    load: LoadModel,
    tickers: Sequence[str],
    horizons: Horizons,
    problems: dict[tuple[str, str], str],
) -> list[Artifact]:
    """The models that can be read and look as far ahead as the configuration says."""
    artifacts = []
    for ticker in tickers:
        for horizon in HORIZONS:
            try:
                artifact = load(ticker, horizon)
            except ForecastError as error:
                problems[ticker, horizon] = str(error)
                continue
            configured = getattr(horizons, horizon)
            if artifact.sessions == configured:
                artifacts.append(artifact)
            else:
                problems[ticker, horizon] = (
                    f"The {horizon} model of {ticker} has horizon {artifact.sessions}, the "
                    f"configuration says {configured}: train again."
                )
    return artifacts


def _forecast(
    context: RunContext,
    inputs: ModelInputs,
    newest: Mapping[str, Any],
    data_hash: str,
    pin: Pin | None,
    result: StoredForecasts,
) -> None:
    artifact, row = inputs.artifact, {**newest, **inputs.values}
    calendar, distribution = context.calendar, inputs.distribution
    try:
        entry = forecast(artifact, row, calendar=calendar, distribution=distribution, pin=pin)
    except ForecastError as error:
        result.problems[artifact.ticker, artifact.horizon] = str(error)
        return
    result.forecasts.append(entry)
    result.rows.append(serving_row(inputs, newest, data_hash=data_hash, written_at=context.now))
