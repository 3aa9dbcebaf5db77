"""Tickers and horizons in; a forecast of each, or why there is none, out of the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from src.api.answers import Prepared, prepared
from src.core.errors import ForecastError
from src.core.exchanges import calendar_of, exchange_of
from src.db import answering
from src.db.audit import EventLog
from src.db.link import Connection
from src.registry import artefacts
from src.registry.history import standings

Pair = tuple[str, str]

# A set may be replaced, and the one before it removed, while it is being opened.
ATTEMPTS = 3


@dataclass(frozen=True)
class Refused:
    """Why there is no forecast, in one sentence."""

    status: HTTPStatus
    detail: str


Found = Prepared | Refused


@dataclass(frozen=True)
class Loader:
    """Reads forecasts; ``root`` holds the models, ``key`` is their signing key or None."""

    root: Path
    key: bytes | None = None

    def load(self, connection: Connection, pairs: Sequence[Pair]) -> dict[Pair, Found]:
        """The forecast of each ticker and horizon by its live model, or why there is none."""
        tickers = sorted({ticker for ticker, _ in pairs})
        live = {
            pair: standing.live.digest
            for pair, standing in standings(EventLog(connection).decisive(tickers)).items()
        }
        wanted = [(*pair, live[pair]) for pair in pairs if pair in live]
        rows = answering.inputs(connection, wanted) if wanted else {}
        lacking = sorted({ticker for ticker, horizon in pairs if (ticker, horizon) not in live})
        priced = answering.priced(connection, lacking) if lacking else set()
        found: dict[Pair, Found] = {}
        for pair in pairs:
            if pair not in live:
                found[pair] = _nothing(pair, priced)
            else:
                row = rows.get((*pair, live[pair]))
                found[pair] = self._one(connection, pair, live[pair], row)
        return found

    def _one(
        self,
        connection: Connection,
        pair: Pair,
        digest: str,
        row: dict[str, Any] | None,
    ) -> Found:
        for _ in range(ATTEMPTS):
            found = self._made(pair, digest, row)
            if isinstance(found, Prepared):
                return found
            standing = standings(EventLog(connection).decisive([pair[0]]))[pair]
            if standing.live.digest == digest:
                return found
            digest = standing.live.digest
            row = answering.inputs(connection, [(*pair, digest)]).get((*pair, digest))
        return found

    def _made(self, pair: Pair, digest: str, row: dict[str, Any] | None) -> Found:
        ticker, horizon = pair
        try:
            model = artefacts.load(self.root, ticker, horizon, expected=digest, key=self.key)
            if row is None:
                return _unasked(pair)
            return prepared(model, row, calendar_of(exchange_of(ticker)))
        except ForecastError as error:
            return Refused(HTTPStatus.SERVICE_UNAVAILABLE, str(error))


def _nothing(pair: Pair, priced: set[str]) -> Refused:
    ticker, horizon = pair
    run = f"run `python -m mlops.pipeline --ticker {ticker}` first."
    if ticker in priced:
        return Refused(
            HTTPStatus.SERVICE_UNAVAILABLE, f"There is no {horizon} model for {ticker} yet: {run}"
        )
    return Refused(HTTPStatus.NOT_FOUND, f"No prices of {ticker} are stored: {run}")


def _unasked(pair: Pair) -> Refused:
    ticker, horizon = pair
    return Refused(
        HTTPStatus.SERVICE_UNAVAILABLE,
        f"What the live {horizon} model of {ticker} is asked with has not been computed yet: run "
        f"`python -m mlops.pipeline --ticker {ticker} --skip-training`.",
    )
