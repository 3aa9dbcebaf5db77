"""The routes below /predict."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from src.api.forecasts.cache import CacheEntry
from src.api.forecasts.service import ForecastService
from src.api.openapi import FRESHNESS, problems
from src.api.routes.client_id import CLIENT_ID_PARAMETER, client_of
from src.api.routes.ticker_parameter import TICKER_PARAMETER, parse_ticker, requested_ticker
from src.api.schemas.errors import status_of
from src.api.schemas.requests import BatchRequest
from src.api.schemas.responses import BatchResponse, ForecastResponse
from src.core.errors import DatabaseRefused, DatabaseUnavailable, ForecastError, UsageError

router = APIRouter(tags=["forecasts"])

CONTENT_TYPE = (b"content-type", b"application/json")
EMPTY_BODIES = (b"", b"{}")
# After so many forecasts of a batch other requests get a turn.
TURN = 100

_LINKS = {
    name: {"operationId": name, "parameters": {"ticker": "$response.body#/ticker"}}
    for name in ("models", "scoreboard")
}
_SINGLE: dict[str, Any] = {
    "responses": {
        200: {"model": ForecastResponse, "headers": FRESHNESS, "links": _LINKS},
        **problems(404, 422, 503),
    },
    "openapi_extra": {"parameters": [*TICKER_PARAMETER["parameters"], CLIENT_ID_PARAMETER]},
}


@router.get("/predict/short", operation_id="get_short", **_SINGLE)
@router.post("/predict/short", operation_id="post_short", **_SINGLE)
async def short(request: Request) -> Response:
    """Forecast the return to the next session's close."""
    return await _single(request, "short")


@router.get("/predict/long", operation_id="get_long", **_SINGLE)
@router.post("/predict/long", operation_id="post_long", **_SINGLE)
async def long(request: Request) -> Response:
    """Forecast the return to the close 63 sessions ahead."""
    return await _single(request, "long")


@router.post(
    "/predict/batch",
    operation_id="post_batch",
    responses={200: {"model": BatchResponse}, **problems(422, 503)},
    openapi_extra={"parameters": [CLIENT_ID_PARAMETER]},
)
async def batch(request: Request, body: BatchRequest) -> Response:
    """Forecast many tickers; errors of some stand beside the forecasts of the others."""
    service: ForecastService = request.app.state.service
    pairs, errors = _pairs(body)
    client = client_of(request, service)
    refused = await service.load_missing(pairs, client)
    answers, failure = [], None
    for place, pair in enumerate(pairs):
        try:
            if pair in refused:
                raise refused[pair]
            answers.append((await service.answer(pair, client))[0])
        except ForecastError as error:
            if isinstance(error, DatabaseUnavailable | DatabaseRefused):
                failure = error
            errors.append(_error(*pair, status_of(error), str(error)))
        if place % TURN == TURN - 1:
            await asyncio.sleep(0)
    if failure is not None and not answers:
        raise failure
    content = b'{"forecasts":[%b],"errors":%b}' % (b",".join(answers), orjson.dumps(errors))
    return Response(content, media_type="application/json")


async def _single(request: Request, horizon: str) -> Response:
    state = request.app.state
    if request.method == "POST":
        await _check_body(request)
    ticker = requested_ticker(request, only=True) or state.ticker
    client = client_of(request, state.service)
    body, entry = await state.service.answer((ticker, horizon), client)
    return _response(body, entry, state.service)


async def _check_body(request: Request) -> None:
    """Refuse a body: a ticker in it would be ignored, and another one answered."""
    headers = request.headers
    if headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers:
        return
    if (await request.body()).strip() not in EMPTY_BODIES:
        raise UsageError("The ticker belongs in the address, not in the body: ?ticker=TCS.NS.")


def _response(body: bytes, entry: CacheEntry, service: ForecastService) -> Response:
    response = Response(body)
    age = max(0, int((service.now() - entry.read_at).total_seconds()))
    response.raw_headers += [
        CONTENT_TYPE,
        (b"age", b"%d" % age),
        (b"cache-control", b"no-cache"),
    ]
    return response


def _pairs(body: BatchRequest) -> tuple[list[tuple[str, str]], list[dict[str, Any]]]:
    """Each requested forecast once, in order, and an error for each malformed ticker."""
    pairs: dict[tuple[str, str], None] = {}
    errors = []
    for text in dict.fromkeys(body.tickers):
        for horizon in dict.fromkeys(body.horizons):
            try:
                pairs[parse_ticker(text), horizon] = None
            except UsageError as error:
                errors.append(_error(text, horizon, HTTPStatus.UNPROCESSABLE_ENTITY, str(error)))
    return list(pairs), errors


def _error(ticker: str, horizon: str, status: int, detail: str) -> dict[str, Any]:
    return {"ticker": ticker, "horizon": horizon, "status": int(status), "detail": detail}
