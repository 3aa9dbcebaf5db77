"""Forecasts for pages, from the API when it answers, else computed here, in the API's own words."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import requests
import streamlit as st

from src.api.forecasts.cache import new_entry
from src.api.forecasts.loader import Loader, forecast_by
from src.api.schemas.errors import NoForecast
from src.config import logs
from src.core.errors import one_line
from src.core.model_events import Pair
from src.core.tables import HORIZONS
from src.dashboard import readers
from src.db.reconnect import Connection
from src.registry.storage.artifact_store import ArtifactStore

# Seconds to reach the API and to wait for it; and for which one that did not answer is left alone.
CONNECT, ANSWER, PAUSE = 0.3, 5.0, 15.0
# Seconds within which the API notices that the stored data have changed.
NOTICED = 0.8

log = logs.get(__name__)


@dataclass(frozen=True)
class Forecasts:
    """Forecasts by ticker and horizon, as the API answers them.

    Attributes:
        answers: Of each (ticker, horizon): the object that ``/predict/short`` or ``long`` returns.
        missing: Why there is no forecast, by (ticker, horizon).
        from_api: Whether the API answered; otherwise they were computed here.
        problem: Why the API was not used, as a part of a sentence; empty where it was.
    """

    answers: dict[Pair, dict[str, Any]]
    missing: dict[Pair, str]
    from_api: bool
    problem: str = ""


def forecasts(tickers: Sequence[str]) -> Forecasts:
    """The forecasts of some tickers at both horizons, kept until the stored data has changed.

    Raises:
        DatabaseUnavailable: Neither the API nor the database answers.
    """
    chosen = tuple(dict.fromkeys(tickers))
    if not chosen:
        return Forecasts({}, {}, from_api=False)
    return _forecasts(chosen, readers.version(), _api_answers())


@st.cache_data(ttl=PAUSE, show_spinner=False)
def _api_answers() -> bool:
    """Whether the API is there; asked anew every 15 seconds."""
    try:
        response = requests.get(f"{_url()}/health/live", timeout=(CONNECT, 1.0))
    except requests.RequestException:
        return False
    return response.status_code == HTTPStatus.OK


@st.cache_data(max_entries=2, show_spinner=False)
def _first_seen(version: int) -> float:
    """When a version of the stored data was first seen, in monotonic seconds."""
    return time.monotonic()


@st.cache_data(ttl=60, max_entries=50, show_spinner=False)
def _forecasts(tickers: tuple[str, ...], version: int, ask_api: bool) -> Forecasts:
    problem = f"the API at {_host()} does not answer"
    if ask_api:
        # An answer of before would be kept, and nothing would ask again.
        time.sleep(max(0.0, _first_seen(version) + NOTICED - time.monotonic()))
        try:
            return _from_api(tickers)
        except (requests.RequestException, ValueError, LookupError, TypeError) as error:
            problem = _reason(error)
            log.info(f"Forecasts are computed by the dashboard: {problem}.")
    computed = readers.uncached(_computed, tickers)
    return replace(computed, problem=problem)


def _reason(error: Exception) -> str:
    """Why an answer of the API could not be used."""
    response = getattr(error, "response", None)
    if response is None:
        if isinstance(error, requests.RequestException):
            return f"the API at {_host()} does not answer"
        return f"what answers at {_host()} is not the API ({one_line(error)})"
    try:
        detail = str(response.json()["detail"]).rstrip(".")
    except (ValueError, LookupError, TypeError):
        detail = f"status {response.status_code}"
    return f"the API at {_host()} refuses: {detail}"


def _from_api(tickers: Sequence[str]) -> Forecasts:
    """What POST /predict/batch answers.

    Raises:
        requests.RequestException: It does not answer, or refuses, such as without a key.
        ValueError: Its answer is no JSON.
    """
    response = requests.post(
        f"{_url()}/predict/batch",
        json={"tickers": tickers, "horizons": HORIZONS},
        timeout=(CONNECT, ANSWER),
    )
    response.raise_for_status()
    content = response.json()
    names = {f"{sessions}-day": name for name, sessions in readers.horizons().items()}
    return Forecasts(
        {(row["ticker"], names[row["horizon"]]): row for row in content["forecasts"]},
        {(row["ticker"], row["horizon"]): row["detail"] for row in content["errors"]},
        from_api=True,
    )


def _computed(connection: Connection, tickers: Sequence[str]) -> Forecasts:
    """The same, from the stored models and inputs."""
    pairs = [(ticker, horizon) for ticker in tickers for horizon in HORIZONS]
    answers, missing = {}, {}
    for pair, model in _loader().load(connection, pairs).items():
        forecast = forecast_by(model)
        if isinstance(forecast, NoForecast):
            missing[pair] = str(forecast)
        else:
            entry = new_entry(forecast, readers.now(), readers.settings().data.stale_after_sessions)
            answers[pair] = json.loads(entry.body)
    return Forecasts(answers, missing, from_api=False)


@st.cache_resource(show_spinner=False)
def _loader() -> Loader:
    return Loader(ArtifactStore.of(readers.settings()))


def _host() -> str:
    """Where the API is, as it is named on pages, which would make a link of an address."""
    return urlsplit(_url()).netloc


def _url() -> str:
    settings = readers.settings()
    return settings.dashboard.api_url or f"http://127.0.0.1:{settings.api.port}"
