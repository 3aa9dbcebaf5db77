"""The routes that tell how the service is: health, metrics, models, and what came true."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from src.api.database.reader import PATIENCE_FOR_MANY
from src.api.observability import health
from src.api.openapi import problems
from src.api.routes.forecasts import ASKED, ticker_of
from src.api.schemas.errors import problem
from src.api.schemas.requests import Moment
from src.api.schemas.responses import Health, Models, Scoreboard
from src.core.model_events import ModelEvent
from src.db.tables.forecasts import ForecastLog
from src.db.tables.model_events import EventLog
from src.modeling.evaluation.scoreboard import scoreboard
from src.registry.lifecycle.state import LiveState, describe, live_states

router = APIRouter(tags=["operations"])

_READY = {200: {"model": Health}, **problems(503)}
Newest = Annotated[int, Query(ge=0, le=1000, description="Events to list, from the end.")]


@router.get("/health/live", operation_id="live", responses=problems())
async def live() -> Response:
    """Tell that the process answers; nothing else is looked at."""
    return _json({"status": "alive"})


@router.get("/health", operation_id="health", responses=_READY)
@router.get("/health/ready", operation_id="ready", responses=_READY)
async def ready(request: Request) -> Response:
    """Tell whether forecasts of the configured ticker can be answered, and what is in the way."""
    state = request.app.state
    found = await health.parts(state.desk, state.ticker)
    told = health.told(found)
    if told["status"] == "not ready":
        request_id = request.scope["request_id"]
        parts = told["parts"]
        return problem(503, health.reason(found), request_id, state="not ready", parts=parts)
    return _json(told)


@router.get(
    "/metrics",
    operation_id="metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **problems()},
)
async def metrics(request: Request) -> Response:
    """Tell Prometheus what has been counted."""
    return Response(request.app.state.metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})


@router.get(
    "/models",
    operation_id="models",
    responses={200: {"model": Models}, **problems(422, 503)},
    openapi_extra=ASKED,
)
async def models(
    request: Request,
    at: Annotated[
        Moment | None,
        Query(description="What was live then; with its zone.", examples=["2026-04-13T12:30:00Z"]),
    ] = None,
    newest: Newest = 100,
) -> Response:
    """Tell which models answer, or answered at a time, and why; without a ticker, of all."""
    ticker = ticker_of(request)
    tickers = None if ticker is None else [ticker]
    desk = request.app.state.desk
    decisive, events = await desk.reader.run(partial(_events, tickers, at, newest))
    live = [_live(one) for _, one in sorted(live_states(decisive, at).items())]
    return _json({"at": at, "live": live, "events": [asdict(one) for one in events]})


@router.get(
    "/scoreboard",
    operation_id="scoreboard",
    responses={200: {"model": Scoreboard}, **problems(422, 503)},
    openapi_extra=ASKED,
)
async def scores(request: Request) -> Response:
    """Tell what live forecasts came to, against zero; without a ticker, of all."""
    work = partial(_scores, ticker_of(request))
    return _json(await request.app.state.desk.reader.run(work, PATIENCE_FOR_MANY))


def _scores(ticker: str | None, connection: Any) -> dict[str, Any]:
    log = ForecastLog(connection)
    return {"logged": log.count(ticker), "rows": scoreboard(log.scored(ticker))}


def _events(
    tickers: list[str] | None, at: Any, newest: int, connection: Any
) -> tuple[list[ModelEvent], list[ModelEvent]]:
    log = EventLog(connection)
    return log.decisive(tickers, until=at), log.events(tickers, until=at, newest=newest)


def _live(state: LiveState) -> dict[str, Any]:
    event, pin = state.live, state.pinned
    return {
        "ticker": event.ticker,
        "horizon": event.horizon,
        "digest": event.digest,
        "served": event.served,
        "verdict": event.verdict,
        "reason": event.reason,
        "since": event.at,
        "pinned": pin is not None,
        "version_tag": pin.version_tag if pin is not None else None,
        "why": describe(state),
    }


def _json(told: dict[str, Any]) -> Response:
    return Response(orjson.dumps(told), media_type="application/json")
