"""The routes that forecast."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from src.api.forecasts.cache import Held
from src.api.forecasts.service import Desk, NoAnswer
from src.api.openapi import FRESHNESS, problems
from src.api.schemas.errors import status_of
from src.api.schemas.requests import BatchRequest
from src.api.schemas.responses import Batch, Forecast
from src.core.calendars.exchanges import exchange_of, ticker_pattern
from src.core.errors import DatabaseRefused, DatabaseUnavailable, ForecastError, UsageError
from src.core.tickers import LONGEST_TEXT, normalise_ticker, shown

router = APIRouter(tags=["forecasts"])

SUFFIX = ".NS"
SHORT_QUERY = 128  # bytes: longer ones are not remembered
JSON = (b"content-type", b"application/json")
EMPTY_BODIES = (b"", b"{}")

# Documented here and read by `ticker_of`: a check of types costs more than the answer.
ASKED = {
    "parameters": [
        {
            "name": "ticker",
            "in": "query",
            "required": False,
            "description": "As Yahoo writes it; a bare symbol gets .NS. Left out, the default of "
            "the route: one forecast is of the configured ticker, a list is of all.",
            "schema": {
                "type": "string",
                "pattern": ticker_pattern(SUFFIX),
                "maxLength": LONGEST_TEXT,
                "examples": ["TCS.NS"],
            },
        }
    ]
}
_LINKS = {
    name: {"operationId": name, "parameters": {"ticker": "$response.body#/ticker"}}
    for name in ("models", "scoreboard")
}
_ONE = {200: {"model": Forecast, "headers": FRESHNESS, "links": _LINKS}, **problems(404, 422, 503)}


@router.get("/predict/short", operation_id="get_short", responses=_ONE, openapi_extra=ASKED)
@router.post("/predict/short", operation_id="post_short", responses=_ONE, openapi_extra=ASKED)
async def short(request: Request) -> Response:
    """Forecast the return to the next session's close."""
    return await _one(request, "short")


@router.get("/predict/long", operation_id="get_long", responses=_ONE, openapi_extra=ASKED)
@router.post("/predict/long", operation_id="post_long", responses=_ONE, openapi_extra=ASKED)
async def long(request: Request) -> Response:
    """Forecast the return to the close 63 sessions ahead."""
    return await _one(request, "long")


@router.post(
    "/predict/batch",
    operation_id="post_batch",
    responses={200: {"model": Batch}, **problems(422, 503)},
)
async def batch(request: Request, asked: BatchRequest) -> Response:
    """Forecast many tickers; what cannot be forecast is told beside the rest."""
    desk: Desk = request.app.state.desk
    pairs, errors = _pairs(asked)
    refused = await desk.prepare(pairs)
    bodies, lost = [], None
    for place, pair in enumerate(pairs):
        try:
            if pair in refused:
                raise NoAnswer(refused[pair])
            bodies.append((await desk.answer(pair))[0])
        except ForecastError as error:
            lost = error if isinstance(error, DatabaseUnavailable | DatabaseRefused) else lost
            errors.append(_error(*pair, status_of(error), str(error)))
        if place % 100 == 99:
            await asyncio.sleep(0)
    if lost is not None and not bodies:
        raise lost
    whole = b'{"forecasts":[%b],"errors":%b}' % (b",".join(bodies), orjson.dumps(errors))
    return Response(whole, media_type="application/json")


async def _one(request: Request, horizon: str) -> Response:
    state = request.app.state
    if request.method == "POST":
        await _no_body(request)
    ticker = _remembered(only_ticker, request) or state.ticker
    body, kept = await state.desk.answer((ticker, horizon))
    return _answer(body, kept, state.desk)


def ticker_of(request: Request) -> str | None:
    """The ticker that a request asks for, None where it names none; raises UsageError."""
    return _remembered(asked_ticker, request)


def _remembered(read: Any, request: Request) -> str | None:
    query = request.scope["query_string"]
    found: str | None = (read if len(query) <= SHORT_QUERY else read.__wrapped__)(query)
    return found


@lru_cache(maxsize=4096)
def asked_ticker(query: bytes) -> str | None:
    """The ticker in a query string, None where there is none; raises UsageError."""
    asked = parse_qs(query.decode("latin-1"), keep_blank_values=True)
    given = asked.get("ticker")
    if given is not None and len(given) > 1:
        raise UsageError("The ticker is given more than once: ask for one, or use /predict/batch.")
    return None if given is None else known_ticker(given[0])


@lru_cache(maxsize=4096)
def only_ticker(query: bytes) -> str | None:
    """The same where nothing else may be asked: what is overlooked would get another's answer."""
    asked = parse_qs(query.decode("latin-1"), keep_blank_values=True)
    for name in asked:
        if name != "ticker":
            raise UsageError(
                f"{shown(name)} is nothing that can be asked: give ?ticker=TCS.NS, and %26 for &."
            )
    return asked_ticker.__wrapped__(query)


async def _no_body(request: Request) -> None:
    """A ticker in a body would be overlooked, and the wrong one answered."""
    headers = request.headers
    if headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers:
        return
    if (await request.body()).strip() not in EMPTY_BODIES:
        raise UsageError("The ticker is given in the address, not in the body: ?ticker=TCS.NS.")


def _answer(body: bytes, kept: Held, desk: Desk) -> Response:
    response = Response(body)
    age = max(0, int((desk.now() - kept.read_at).total_seconds()))
    response.raw_headers += [JSON, (b"age", b"%d" % age), (b"cache-control", b"no-cache")]
    return response


@lru_cache(maxsize=4096)
def known_ticker(text: str) -> str:
    """The ticker meant; raises UsageError for none, and for one of an unknown exchange."""
    ticker = normalise_ticker(text, SUFFIX)
    exchange_of(ticker)
    return ticker


def _pairs(asked: BatchRequest) -> tuple[list[tuple[str, str]], list[dict[str, Any]]]:
    """Each forecast once, in the order asked for, and the tickers that are none."""
    pairs: dict[tuple[str, str], None] = {}
    errors = []
    for text in dict.fromkeys(asked.tickers):
        for horizon in dict.fromkeys(asked.horizons):
            try:
                pairs[known_ticker(text), horizon] = None
            except UsageError as error:
                errors.append(_error(text, horizon, HTTPStatus.UNPROCESSABLE_ENTITY, str(error)))
    return list(pairs), errors


def _error(ticker: str, horizon: str, status: int, detail: str) -> dict[str, Any]:
    return {"ticker": ticker, "horizon": horizon, "status": int(status), "detail": detail}
