"""Load the live models of tickers' pools with their inputs, or say why there is no forecast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from src.api.forecasts.response import (
    PreparedForecast,
    prepare_challenger,
    prepare_forecast,
)
from src.api.schemas.errors import NoForecast
from src.config import logs
from src.core.calendars.exchanges import calendar_of, exchange_of
from src.core.errors import ForecastError
from src.core.model_events import Pair, Pin
from src.db.reconnect import Connection
from src.db.tables import live_inputs, traffic_splits
from src.db.tables.live_inputs import LiveInputs
from src.db.tables.traffic_splits import ChallengerInputs, ChallengerKey
from src.modeling.serving.predict import MissingInputs
from src.registry.storage.artifact import NoModel

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar
    from src.registry.storage.artifact import Artifact
    from src.registry.storage.artifact_store import ArtifactStore

log = logs.get(__name__)

# A model may be replaced, and its files removed, while it is being opened.
ATTEMPTS = 3
# Models that are kept in memory, of some ten to some hundred kB each; a pool has two live ones.
MODELS_IN_MEMORY = 64


class LoadedModel(NamedTuple):
    """A live model, the inputs of ticker and pool, the exchange's sessions, and a pin if any."""

    artifact: Artifact
    row: Mapping[str, Any]
    pool_row: Mapping[str, Any] | None
    calendar: Calendar
    pin: Pin | None


def forecast_by(model: LoadedModel | NoForecast) -> PreparedForecast | NoForecast:
    """The forecast of a model, or why there is none."""
    if isinstance(model, NoForecast):
        return model
    try:
        return prepare_forecast(*model)
    except NoForecast as error:
        return error
    except ForecastError as error:
        return NoForecast(str(error))


class Loader:
    """Loads live models from ``store``.

    Models stay in memory under their digests once every byte has been verified: their files
    never change.
    """

    def __init__(self, store: ArtifactStore) -> None:
        self._artifact = lru_cache(maxsize=MODELS_IN_MEMORY)(store.load)

    def load(
        self, connection: Connection, pairs: Sequence[Pair]
    ) -> dict[Pair, LoadedModel | NoForecast]:
        """The live model of each ticker and horizon, or why it cannot be used."""
        live = live_inputs.read(connection, pairs)
        return {pair: self._load_one(connection, pair, live[pair]) for pair in pairs}

    def load_challengers(
        self, connection: Connection, keys: Sequence[ChallengerKey]
    ) -> dict[ChallengerKey, PreparedForecast | NoForecast]:
        """The forecast of each trial's challenger for a ticker, or why there is none."""
        inputs = traffic_splits.read_challengers(connection, keys)
        return {key: self._challenger(key, inputs[key]) for key in keys}

    def _challenger(
        self, key: ChallengerKey, inputs: ChallengerInputs
    ) -> PreparedForecast | NoForecast:
        ticker, horizon, trial = key
        pool, digest, row, pool_row = inputs
        if pool is None:
            return NoForecast("The trial has ended.")
        if digest is None:
            return NoForecast("No run has made the model of the challenger yet.")
        try:
            artifact = self._artifact(pool, horizon, digest)
            if row is None:
                raise MissingInputs(artifact, ticker)
            calendar = calendar_of(exchange_of(ticker))
            return prepare_challenger(artifact, row, pool_row, calendar, trial)
        except ForecastError as error:
            return NoForecast(str(error))
        except Exception as error:
            # Whatever is wrong with a challenger, its clients get the served forecast.
            what = f"The challenger's forecast of {ticker} failed unexpectedly"
            log.error(f"{what}.", trial=trial, exc_info=error)
            return NoForecast(f"{what} ({type(error).__name__}): see logs/tcs-stock.log.")

    def _load_one(
        self, connection: Connection, pair: Pair, live: LiveInputs
    ) -> LoadedModel | NoForecast:
        model = self._open(pair, live)
        for _ in range(ATTEMPTS):
            if isinstance(model, LoadedModel):
                break
            previous, live = live, live_inputs.read(connection, [pair])[pair]
            if live.digest == previous.digest:
                break
            model = self._open(pair, live)
        return model

    def _open(self, pair: Pair, live: LiveInputs) -> LoadedModel | NoForecast:
        ticker, horizon = pair
        if live.pool is None or live.digest is None:
            return _no_model(ticker, horizon, live.priced)
        try:
            artifact = self._artifact(live.pool, horizon, live.digest)
            if live.row is None:
                raise MissingInputs(artifact, ticker)
            calendar = calendar_of(exchange_of(ticker))
            return LoadedModel(artifact, live.row, live.pool_row, calendar, live.pin)
        except ForecastError as error:
            return NoForecast(str(error))


def _no_model(ticker: str, horizon: str, priced: bool) -> NoForecast:
    if priced:
        return NoForecast(str(NoModel(horizon=horizon, ticker=ticker)))
    advice = f"run `python -m mlops.pipeline --ticker {ticker}` first."
    return NoForecast(f"No prices of {ticker} are stored: {advice}", HTTPStatus.NOT_FOUND)
