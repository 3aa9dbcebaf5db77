"""Report whether the service is ready to answer, and if not, why, in one sentence for each part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from src.api.forecasts.response import stale_warning
from src.api.schemas.responses import HealthPart
from src.core.errors import ForecastError
from src.core.tables import HORIZONS
from src.db.tables import live_inputs

if TYPE_CHECKING:
    from src.api.forecasts.service import ForecastService


async def health_parts(service: ForecastService, ticker: str) -> list[HealthPart]:
    """All parts of the service; models and data are those of ``ticker``."""
    parts = [await _database(service), _change_poller(service)]
    for horizon in HORIZONS:
        parts += await _forecast(service, (ticker, horizon))
    return [*parts, _prediction_log(service)]


def summary(parts: Sequence[HealthPart]) -> dict[str, Any]:
    """The answer of /health."""
    if any(part.required and not part.ok for part in parts):
        status = "not ready"
    else:
        status = "ready" if all(part.ok for part in parts) else "degraded"
    return {"status": status, "parts": [part.model_dump() for part in parts]}


def not_ready_sentence(parts: Sequence[HealthPart]) -> str:
    """Why the service is not ready: every required part that fails."""
    reasons = {part.detail.rstrip(".") for part in parts if part.required and not part.ok}
    return f"Not ready: {'; '.join(sorted(reasons))}."


def _part(name: str, failure: str | None, detail: str, *, required: bool = True) -> HealthPart:
    return HealthPart(name=name, ok=failure is None, detail=failure or detail, required=required)


async def _database(service: ForecastService) -> HealthPart:
    failure = None
    try:
        await service.reader.run(live_inputs.data_version)
    except ForecastError as error:
        failure = str(error)
    return _part("database", failure, "The database answers.")


def _change_poller(service: ForecastService) -> HealthPart:
    detail = "Changes in the database are noticed."
    return _part("notices", service.poller.failure, detail, required=False)


async def _forecast(service: ForecastService, pair: tuple[str, str]) -> list[HealthPart]:
    ticker, horizon = pair
    model = f"model_{horizon}"
    try:
        entry, _, warning = await service.look_up(pair)
    except ForecastError as error:
        return [_part(model, str(error), "")]
    forecast = entry.forecast
    stale = stale_warning(forecast, entry.age_at(service.now()), service.stale_after)
    served = f"Forecasts of {ticker} are made by {forecast.answer['model']['name']}."
    newest = f"The newest price of {ticker} is of {forecast.feature_date}."
    return [
        _part(model, entry.problem or warning, served),
        _part(f"data_{horizon}", stale, newest),
    ]


def _prediction_log(service: ForecastService) -> HealthPart:
    log = service.log
    failures, refused = [], log.dead_letters.count()
    if log.failure is not None:
        failures.append(f"{log.backlog} served forecasts wait to be logged: {log.failure}")
    if refused:
        failures.append(
            f"Forecasts refused by the table predictions: {refused}; read the reasons in "
            f"{log.dead_letters.path}, then move that file away."
        )
    detail = f"Forecasts waiting to be logged: {log.backlog}."
    return _part("log", " ".join(failures) or None, detail, required=False)
