"""Answer every exception of the application as application/problem+json."""

from __future__ import annotations

import sys
from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Match, Route

from src.api.schemas.errors import not_json, problem, status_of, validation_sentence
from src.config import logs
from src.core.errors import DatabaseRefused, DatabaseUnavailable, ForecastError

if TYPE_CHECKING:
    from starlette.types import Message, Send

log = logs.get(__name__)


def install(app: FastAPI) -> None:
    """Register the handlers on ``app``."""
    app.add_exception_handler(ForecastError, _forecast_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(ClientDisconnect, _client_disconnect)


def unexpected_error(error: Exception, request_id: str) -> Response:
    """The answer to a request in which something failed that nobody has thought of."""
    log.error(f"Request {request_id} failed unexpectedly.", exc_info=error)
    detail = f"An unexpected error occurred: see request {request_id} in logs/tcs-stock.log."
    return problem(500, detail, request_id)


def startup_sentence(send: Send) -> Send:
    """Let a start that failed be reported by the sentence of its error, not by its traceback."""

    async def send_sentence(message: Message) -> None:
        error = sys.exception()
        if message["type"] == "lifespan.startup.failed" and isinstance(error, ForecastError):
            message = {**message, "message": str(error)}
        await send(message)

    return send_sentence


async def _forecast_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ForecastError)  # noqa: S101 what it was registered for
    headers = {"Retry-After": "1"} if isinstance(error, DatabaseUnavailable) else None
    if isinstance(error, DatabaseRefused):
        log.error(str(error), exc_info=error)
    return problem(status_of(error), str(error), _request_id(request), headers)


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 what it was registered for
    return problem(422, validation_sentence(error.errors(), request.url.path), _request_id(request))


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 what it was registered for
    headers = dict(error.headers or {})
    status, detail = error.status_code, str(error.detail)
    if status == HTTPStatus.BAD_REQUEST:
        # FastAPI's answer to a body that is not text, or nested too deep.
        status, detail = HTTPStatus.UNPROCESSABLE_ENTITY, not_json(request.url.path)
    elif status == HTTPStatus.NOT_FOUND:
        detail = f"There is no route {request.url.path[:100]}: see /docs."
    elif status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_allowed_methods(request))
        detail = f"{request.method} is not allowed here: use {headers['Allow']}."
    return problem(status, detail, _request_id(request), headers)


async def _client_disconnect(request: Request, error: Exception) -> Response:
    # Nobody reads the answer; it is counted as the client's error, not as ours.
    detail = "The connection was closed before the whole body had arrived: send all of it."
    return problem(400, detail, _request_id(request))


def _allowed_methods(request: Request) -> list[str]:
    """Methods of all routes with the path of the request, not only of the first."""
    methods: set[str] = set()
    for route in request.app.routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            methods |= route.methods or set()
    return sorted(methods)


def _request_id(request: Request) -> str:
    return str(request.scope.get("request_id", ""))
