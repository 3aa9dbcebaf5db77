"""Make an answer, and the row that logs it, from a live model and its stored inputs."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from src.api.schemas.errors import ImpossibleForecast
from src.core.traffic_split import CHALLENGER
from src.modeling.serving.challenger import challenger_entry
from src.modeling.serving.predict import forecast_from_row
from src.modeling.serving.records import prediction_row
from src.modeling.serving.timeliness import clock_warning, target_warning

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar
    from src.core.model_events import Pin
    from src.registry.storage.artifact import Artifact

SAMPLE = "sample"
# Fields that an answer shares with an entry of ``forecasts`` in results.json.
SHARED_FIELDS = (
    *("prob_up", "intervals", "baseline", "verdict", "reason", "skill"),
    *("candidate", "model", "note"),
)
# ``made_at`` of a row that has not been served yet.
NOT_SERVED = dt.datetime.min.replace(tzinfo=dt.UTC)


@dataclass(frozen=True, eq=False)
class PreparedForecast:
    """A forecast, computed once.

    Attributes:
        answer: The answer without what changes with time: age and warnings.
        log_row: Its row of ``predictions``; ``made_at`` is set when it is served. Empty for a
            challenger's, which the run has logged.
        calendar: Sessions of the ticker's exchange.
        made_from: The arguments of the function that prepared it.
    """

    answer: Mapping[str, Any]
    log_row: Mapping[str, Any]
    calendar: Calendar
    made_from: tuple[Any, ...]

    @property
    def feature_date(self) -> dt.date:
        """The session that it was made from."""
        return dt.date.fromisoformat(self.answer["feature_date"])

    @property
    def target_date(self) -> dt.date:
        """The session that it is about."""
        return dt.date.fromisoformat(self.answer["predict_date"])


@dataclass(frozen=True)
class DataAge:
    """Age of a forecast's prices.

    Attributes:
        sessions: Sessions closed since the feature date.
        last_closed: The last of them.
        until: When the next session closes, aware: the age is true until then.
    """

    sessions: int
    last_closed: dt.date
    until: dt.datetime


def prepare_forecast(
    artifact: Artifact,
    row: Mapping[str, Any],
    pool_row: Mapping[str, Any] | None,
    calendar: Calendar,
    pin: Pin | None = None,
) -> PreparedForecast:
    """Compute the forecast of a model for a row of ``serving_inputs``, with one of ``pool_inputs``.

    Raises:
        ForecastError: See ``forecast_from_row``.
        ImpossibleForecast: The forecast cannot be a price.
    """
    entry = forecast_from_row(artifact, row, pool_row, calendar, pin)
    _check_prices(entry, artifact)
    log_row = prediction_row(entry, row, artifact.digest, NOT_SERVED)
    made_from = (artifact, row, pool_row, calendar, pin)
    return PreparedForecast(_answer(entry, row), log_row, calendar, made_from)


def prepare_challenger(
    artifact: Artifact,
    row: Mapping[str, Any],
    pool_row: Mapping[str, Any] | None,
    calendar: Calendar,
    trial: str,
) -> PreparedForecast:
    """Compute the forecast of a trial's challenger as ``prepare_forecast`` does that of a model.

    Raises:
        ForecastError: See ``challenger_entry``.
        ImpossibleForecast: The forecast cannot be a price.
    """
    entry = challenger_entry(artifact, row, pool_row, calendar)
    _check_prices(entry, artifact)
    note = f"forecast of a challenger, which has not been promoted: trial {trial[:12]}"
    marks = {"note": note, "arm": CHALLENGER, "trial": trial}
    made_from = (artifact, row, pool_row, calendar, trial)
    return PreparedForecast({**_answer(entry, row), **marks}, {}, calendar, made_from)


def data_age(forecast: PreparedForecast, now: dt.datetime) -> DataAge:
    """Age of the prices at ``now``."""
    closed, until = _last_closed(forecast.calendar, now)
    return DataAge(forecast.calendar.count(forecast.feature_date, closed), closed, until)


@lru_cache(maxsize=64)
def _last_closed(calendar: Calendar, now: dt.datetime) -> tuple[dt.date, dt.datetime]:
    """The last session closed at ``now``, and when the next one closes."""
    closed = calendar.last_closed(now)
    return closed, calendar.hours(calendar.next_session(closed)).closes


def trained_at(forecast: PreparedForecast) -> dt.datetime | None:
    """When the model was fitted; None where that is not a time with a time zone."""
    try:
        at = dt.datetime.fromisoformat(forecast.answer["model"]["trained_at"])
    except ValueError:
        return None
    return at if at.tzinfo is not None else None


def stale_warning(forecast: PreparedForecast, age: DataAge, stale_after: int) -> str | None:
    """A sentence about prices that are ``stale_after`` sessions old or older, else None."""
    if age.sessions < stale_after:
        return None
    ticker, sessions = forecast.answer["ticker"], "session" if age.sessions == 1 else "sessions"
    return (
        f"The newest price of {ticker} is of {forecast.feature_date}, {age.sessions} {sessions} "
        f"behind {age.last_closed}: run `python -m mlops.pipeline --ticker {ticker}`."
    )


def full_answer(
    forecast: PreparedForecast, age: DataAge, stale_after: int, problems: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The answer with the age of its prices and its warnings, ``problems`` first."""
    ticker = forecast.answer["ticker"]
    synthetic = forecast.answer["data_source"] == SAMPLE
    advice = f"run `python -m mlops.pipeline --ticker {ticker}` for a newer one"
    warnings = [
        *problems,
        clock_warning(ticker, forecast.feature_date, age.last_closed),
        target_warning(forecast.target_date, age.last_closed, advice),
        stale_warning(forecast, age, stale_after),
        f"The prices of {ticker} are synthetic: for demonstration only." if synthetic else None,
    ]
    return {
        **forecast.answer,
        "data_age_sessions": age.sessions,
        "warnings": [warning for warning in warnings if warning is not None],
    }


def _check_prices(entry: Mapping[str, Any], artifact: Artifact) -> None:
    closes = [entry["est_future_close"]]
    for interval in entry["intervals"]:
        closes += [interval["low_close"], interval["high_close"]]
    if entry["candidate"] is not None:
        closes.append(entry["candidate"]["est_future_close"])
    impossible = [close for close in closes if not (math.isfinite(close) and close >= 0)]
    if impossible:
        raise ImpossibleForecast(
            f"The {artifact.horizon} model of {artifact.pool} forecasts a close of "
            f"{impossible[0]} for {entry['ticker']}, which cannot be a price: train again, or roll "
            "back."
        )


def _answer(entry: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an answer in the order in which a person reads them."""
    return {
        "ticker": row["ticker"],
        "horizon": entry["horizon"],
        "feature_date": entry["feature_date"],
        "predict_date": entry["target_date"],
        "predict_date_estimated": entry["target_date_estimated"],
        "last_close": entry["last_close"],
        "pred_return": entry["pred_return"],
        "pct_return": entry["pred_return"] * 100,
        "est_future_close": entry["est_future_close"],
        **{name: entry[name] for name in SHARED_FIELDS},
        "data_source": row["data_source"],
        "return_basis": row["return_basis"],
        "data_hash": row["data_hash"],
        "computed_at": row["written_at"].astimezone(dt.UTC).isoformat(),
    }
