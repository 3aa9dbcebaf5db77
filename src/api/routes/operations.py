"""The routes for operators: health, metrics, models, and the scoreboard."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from src.api.database.reader import PATIENCE_FOR_MANY
from src.api.observability import health
from src.api.openapi import problems
from src.api.routes.ticker_parameter import TICKER_PARAMETER, requested_ticker
from src.api.schemas.errors import problem
from src.api.schemas.requests import Timestamp
from src.api.schemas.responses import HealthResponse, ModelsResponse, ScoreboardResponse
from src.core.model_events import ModelEvent
from src.db.tables.model_events import EventLog
from src.registry.lifecycle.state import LiveState, describe, live_states

if TYPE_CHECKING:
    from src.db.reconnect import Connection

router = APIRouter(tags=["operations"])

_READY = {200: {"model": HealthResponse}, **problems(503)}
Newest = Annotated[int, Query(ge=0, le=1000, description="Events to list, from the end.")]
At = Annotated[
    Timestamp | None,
    Query(
        description="List what was live at this time, given with its time zone.",
        examples=["2026-04-13T12:30:00Z"],
    ),
]


@router.get("/health/live", operation_id="live", responses=problems())
async def live() -> Response:
    """Answer as long as the process runs; nothing else is checked."""
    return _json({"status": "alive"})


@router.get("/health", operation_id="health", responses=_READY)
@router.get("/health/ready", operation_id="ready", responses=_READY)
async def ready(request: Request) -> Response:
    """Check whether forecasts of the configured ticker can be answered, and if not, why."""
    state = request.app.state
    parts = await health.health_parts(state.service, state.ticker)
    summary = health.summary(parts)
    if summary["status"] == "not ready":
        detail = health.not_ready_sentence(parts)
        return problem(
            503, detail, request.scope["request_id"], state="not ready", parts=summary["parts"]
        )
    return _json(summary)


@router.get(
    "/metrics",
    operation_id="metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **problems()},
)
async def metrics(request: Request) -> Response:
    """List all metrics for Prometheus."""
    return Response(request.app.state.metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})


@router.get(
    "/models",
    operation_id="models",
    responses={200: {"model": ModelsResponse}, **problems(422, 503)},
    openapi_extra=TICKER_PARAMETER,
)
async def models(request: Request, at: At = None, newest: Newest = 100) -> Response:
    """List the models that are live, or were live at a time, and why; by default of all pools."""
    read = partial(_read_events, requested_ticker(request), at, newest)
    decisive, events = await request.app.state.reports.run(read, PATIENCE_FOR_MANY)
    live = [_live_model(state) for _, state in sorted(live_states(decisive, at).items())]
    return _json({"at": at, "live": live, "events": [asdict(event) for event in events]})


@router.get(
    "/scoreboard",
    operation_id="scoreboard",
    responses={200: {"model": ScoreboardResponse}, **problems(422, 503)},
    openapi_extra=TICKER_PARAMETER,
)
async def scores(request: Request) -> Response:
    """Compare live forecasts with their outcomes and with zero; by default of all tickers."""
    state = request.app.state
    read = partial(state.scores.answer, requested_ticker(request))
    body = await state.reports.run(read, PATIENCE_FOR_MANY)
    return Response(body, media_type="application/json")


def _read_events(
    ticker: str | None, at: dt.datetime | None, newest: int, connection: Connection
) -> tuple[list[ModelEvent], list[ModelEvent]]:
    """Of the pool of a ticker, and of the ticker itself before pools had models; or of all."""
    log = EventLog(connection)
    owners = log.owners(ticker)
    return log.decisive(*owners, until=at), log.events(*owners, until=at, newest=newest)


def _live_model(state: LiveState) -> dict[str, Any]:
    event, pin = state.live, state.pinned
    return {
        "pool": event.pool,
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


def _json(content: dict[str, Any]) -> Response:
    return Response(orjson.dumps(content), media_type="application/json")
