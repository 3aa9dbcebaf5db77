"""A live model and the row it is asked with in; the API's answer and the row to log out. Pure."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from src.core.errors import ForecastError
from src.modeling.serving import records

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar
    from src.registry.storage.artifact import Artifact

SAMPLE = "sample"
# What a forecast is worth, told as the pipeline tells it.
WORTH = (
    *("prob_up", "intervals", "baseline", "verdict", "reason", "skill"),
    *("candidate", "model", "note"),
)
# Until it is answered with.
UNDATED = dt.datetime.min.replace(tzinfo=dt.UTC)


class UnusableInputs(ForecastError):
    """What the model is asked with is no number: run the pipeline again."""


class NoSuchForecast(ForecastError):
    """The model forecasts what no price can be: train again, or roll back."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """One forecast, made once.

    Attributes:
        said: The answer, but for what changes with the time: age and warnings.
        logged: Its row of ``predictions``; ``made_at`` is set when it is answered with.
        calendar: Sessions of the ticker's exchange.
    """

    said: Mapping[str, Any]
    logged: Mapping[str, Any]
    calendar: Calendar

    @property
    def feature_date(self) -> dt.date:
        """The session it was made from."""
        day: dt.date = self.logged["feature_date"]
        return day


@dataclass(frozen=True)
class Age:
    """How old a forecast's prices are, and until when (UTC) that is so."""

    sessions: int
    closed: dt.date
    until: dt.datetime


def prepared(artifact: Artifact, row: Mapping[str, Any], calendar: Calendar) -> Prepared:
    """Make the forecast of a row of ``serving_inputs`` by the set whose digest it names.

    Raises:
        UnusableInputs: The row holds something else than numbers.
        FeatureMismatch: The row is not what the model was trained on.
        NoSuchForecast: No price comes out.
    """
    entry = records.answer(artifact, {**row, "inputs": _numbers(row)}, calendar)
    _check(entry, artifact)
    logged = records.prediction_row(entry, row, UNDATED)
    return Prepared(_said(entry, row), logged, calendar)


def age(made: Prepared, now: dt.datetime) -> Age:
    """Sessions that have closed at ``now`` since the one that the forecast was made from."""
    closed, until = _closed(made.calendar, now)
    return Age(made.calendar.count(made.feature_date, closed), closed, until)


@lru_cache(maxsize=64)
def _closed(calendar: Calendar, now: dt.datetime) -> tuple[dt.date, dt.datetime]:
    """The last session closed at ``now``, and when the next one closes: many ask at one time."""
    closed = calendar.last_closed(now)
    return closed, calendar.hours(calendar.next_session(closed)).closes


def trained_at(made: Prepared) -> dt.datetime | None:
    """When its model was trained; None where that is no time with a zone."""
    try:
        at = dt.datetime.fromisoformat(made.said["model"]["trained_at"])
    except ValueError:
        return None
    return at if at.tzinfo is not None else None


def stale(made: Prepared, old: Age, stale_after: int) -> str | None:
    """A sentence about prices that are ``stale_after`` sessions old or older."""
    if old.sessions < stale_after:
        return None
    ticker, behind = made.said["ticker"], "session" if old.sessions == 1 else "sessions"
    return (
        f"The newest price of {ticker} is of {made.feature_date}, {old.sessions} {behind} behind "
        f"{old.closed}: run `python -m mlops.pipeline --ticker {ticker}`."
    )


def whole(
    made: Prepared, old: Age, stale_after: int, problems: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The answer with its age in sessions and its warnings."""
    ticker = made.said["ticker"]
    synthetic = made.said["data_source"] == SAMPLE
    warnings = [
        *problems,
        stale(made, old, stale_after),
        f"The prices of {ticker} are synthetic: they show how it works." if synthetic else None,
    ]
    told = [one for one in warnings if one is not None]
    return {**made.said, "data_age_sessions": old.sessions, "warnings": told}


def _numbers(row: Mapping[str, Any]) -> dict[str, float]:
    try:
        return {name: float(value) for name, value in row["inputs"].items()}
    except (AttributeError, TypeError, ValueError) as error:
        ticker = row["ticker"]
        raise UnusableInputs(
            f"What the {row['horizon']} model of {ticker} is asked with holds something that is no "
            f"number: run `python -m mlops.pipeline --ticker {ticker} --skip-training`."
        ) from error


def _check(entry: Mapping[str, Any], artifact: Artifact) -> None:
    bounds = [(one["low_close"], one["high_close"]) for one in entry["intervals"]]
    closes = [entry["est_future_close"], *(close for pair in bounds for close in pair)]
    if entry["candidate"] is not None:
        closes.append(entry["candidate"]["est_future_close"])
    wrong = [close for close in closes if not (math.isfinite(close) and close >= 0)]
    if wrong:
        raise NoSuchForecast(
            f"The {artifact.horizon} model of {artifact.ticker} forecasts a close of {wrong[0]}, "
            "which no price can be: train again, or roll back."
        )


def _said(entry: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
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
        **{name: entry[name] for name in WORTH},
        "data_source": row["data_source"],
        "return_basis": row["return_basis"],
        "data_hash": row["data_hash"],
    }
