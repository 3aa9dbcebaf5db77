"""Tickers and horizons in; what each forecast is made from, or why there is none, out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from src.api.forecasts.response import Prepared, prepared
from src.core.calendars.exchanges import calendar_of, exchange_of
from src.core.errors import ForecastError
from src.db.reconnect import Connection
from src.db.tables import live_inputs
from src.db.tables.live_inputs import LiveInputs, Pair
from src.registry.storage.artifact import NoModel

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar
    from src.registry.storage.artifact import Artifact
    from src.registry.storage.artifact_store import ArtifactStore

# A set may be replaced, and the one before it removed, while it is being opened.
ATTEMPTS = 3
# Sets that are kept in memory, of some ten to some hundred kB each.
SETS = 512


@dataclass(frozen=True)
class Refused:
    """Why there is no forecast, in one sentence."""

    status: HTTPStatus
    detail: str


class Askable(NamedTuple):
    """A live model, what it is asked with, and its exchange's sessions."""

    model: Artifact
    row: Mapping[str, Any]
    calendar: Calendar


def made(read: Askable | Refused) -> Prepared | Refused:
    """The forecast of what was read, or why there is none."""
    if isinstance(read, Refused):
        return read
    try:
        return prepared(*read)
    except ForecastError as error:
        return Refused(HTTPStatus.SERVICE_UNAVAILABLE, str(error))


class Loader:
    """Reads what forecasts are made from, of the models in ``store``.

    Sets are kept by their digest once every byte has been checked: nothing of them can change.
    """

    def __init__(self, store: ArtifactStore) -> None:
        self._set = lru_cache(maxsize=SETS)(store.load)

    def load(self, connection: Connection, pairs: Sequence[Pair]) -> dict[Pair, Askable | Refused]:
        """What each ticker's live model is and is asked with, or why it cannot be."""
        live = live_inputs.read(connection, pairs)
        return {pair: self._one(connection, pair, live[pair]) for pair in pairs}

    def _one(self, connection: Connection, pair: Pair, live: LiveInputs) -> Askable | Refused:
        found = self._opened(pair, live)
        for _ in range(ATTEMPTS):
            if isinstance(found, Askable):
                break
            before, live = live, live_inputs.read(connection, [pair])[pair]
            if live.digest == before.digest:
                break
            found = self._opened(pair, live)
        return found

    def _opened(self, pair: Pair, live: LiveInputs) -> Askable | Refused:
        if live.digest is None:
            return _nothing(pair, live.priced)
        try:
            model = self._set(*pair, live.digest)
            if live.row is None:
                return _unasked(pair)
            return Askable(model, live.row, calendar_of(exchange_of(pair[0])))
        except ForecastError as error:
            return Refused(HTTPStatus.SERVICE_UNAVAILABLE, str(error))


def _nothing(pair: Pair, priced: bool) -> Refused:
    ticker, horizon = pair
    if priced:
        return Refused(HTTPStatus.SERVICE_UNAVAILABLE, str(NoModel(ticker, horizon)))
    run = f"run `python -m mlops.pipeline --ticker {ticker}` first."
    return Refused(HTTPStatus.NOT_FOUND, f"No prices of {ticker} are stored: {run}")


def _unasked(pair: Pair) -> Refused:
    ticker, horizon = pair
    return Refused(
        HTTPStatus.SERVICE_UNAVAILABLE,
        f"What the live {horizon} model of {ticker} is asked with has not been computed yet: run "
        f"`python -m mlops.pipeline --ticker {ticker} --skip-training`.",
    )
