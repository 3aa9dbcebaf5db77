"""Forecast with a challenger that is not live, from the rows that the live model forecasts from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from src.core.errors import ForecastError
from src.modeling.serving.predict import ZERO, Row, forecast_from_row

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar
    from src.registry.storage.artifact import Artifact


class NoChallengerForecast(ForecastError):
    """A challenger has no forecast of a ticker: zero does not stand in for it."""


def challenger_entry(
    artifact: Artifact, row: Row, pool_row: Row | None, calendar: Calendar
) -> dict[str, Any]:
    """An entry as of ``forecast_from_row`` whose answer is the candidate's, live or not.

    Raises:
        NoChallengerForecast: An input is unknown, is of another session than its pool's, or zero
            answers whatever model is live.
        ForecastError: As ``forecast_from_row``.
    """
    entry: dict[str, Any] = forecast_from_row(artifact, row, pool_row, calendar)
    name, proposed = artifact.candidate, entry["candidate"]
    if row["note"] is not None or (proposed is None and name != ZERO):
        reason = row["note"] or f"{name} needs what is unknown at this bar"
        raise NoChallengerForecast(f"No forecast of {row['ticker']} by the challenger: {reason}.")
    point, skill = 0.0, entry["skill"]
    if proposed is not None:
        point = proposed["pred_return"]
        scores = {"n": proposed["n"], "n_eff": proposed["n_eff"], "pool": proposed["pool"]}
        skill = {"mae_vs_zero": proposed["skill_vs_zero"], **scores}
    return entry | {
        "pred_return": point,
        "est_future_close": entry["last_close"] * (1 + point),
        "model": entry["model"] | {"name": name},
        "skill": skill,
        "candidate": None,
        "note": None,
    }
