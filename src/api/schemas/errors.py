"""Errors in; answers of the form application/problem+json (RFC 9457), one sentence each, out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Match, Route

from src.api.forecasts.service import NoAnswer
from src.config import logs
from src.core.errors import DatabaseRefused, DatabaseUnavailable, ForecastError, UsageError
from src.core.tickers import shown

MEDIA_TYPE = "application/problem+json"

NO_JSON = 'The body is no JSON: send {"tickers": ["TCS.NS"]}.'

log = logs.get(__name__)


def problem(
    status: int,
    detail: str,
    request_id: str,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Response:
    """An answer that says in one sentence what is wrong."""
    told = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "request_id": request_id,
        **more,
    }
    return Response(orjson.dumps(told), status, dict(headers or {}), MEDIA_TYPE)


def status_of(error: ForecastError) -> int:
    """The status that an error of ours is answered with."""
    if isinstance(error, NoAnswer):
        return error.refused.status
    if isinstance(error, UsageError):
        return HTTPStatus.UNPROCESSABLE_ENTITY
    return HTTPStatus.SERVICE_UNAVAILABLE


def sentence(errors: Sequence[Any]) -> str:
    """What pydantic found wrong, the first of it, as a sentence."""
    first = errors[0]
    # The names of fields are the sender's: of any length, with any character.
    path = ".".join(str(part) for part in first["loc"] if part not in ("body", "query"))
    where = path if re.fullmatch("[a-z0-9.]{0,40}", path) else shown(path)
    said = str(first["msg"]).rstrip(".")
    if first["type"] == "json_invalid":
        return NO_JSON
    return f"{where}: {said}." if where else f"The body is not usable: {said}."


def install(app: FastAPI) -> None:
    """Answer every error of the application in this form."""
    app.add_exception_handler(ForecastError, _ours)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _unforeseen)


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, ForecastError)  # noqa: S101 what it was registered for
    headers = {"Retry-After": "1"} if isinstance(error, DatabaseUnavailable) else None
    if isinstance(error, DatabaseRefused):
        log.error(str(error), exc_info=error)
    return problem(status_of(error), str(error), _id(request), headers)


async def _malformed(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 what it was registered for
    return problem(422, sentence(error.errors()), _id(request))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 what it was registered for
    path = request.url.path
    headers = dict(error.headers or {})
    status, detail = error.status_code, str(error.detail)
    if status == HTTPStatus.BAD_REQUEST:
        # What FastAPI says of a body that is no text, or nested too deep.
        status, detail = HTTPStatus.UNPROCESSABLE_ENTITY, NO_JSON
    elif status == HTTPStatus.NOT_FOUND:
        detail = f"There is nothing at {path[:100]}: see /docs."
    elif status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_methods(request))
        detail = f"{request.method} is not possible here: use {headers['Allow']}."
    return problem(status, detail, _id(request), headers)


async def _gone(request: Request, error: Exception) -> Response:
    # Nobody is there to read it; it is counted as a fault of the sender, not of ours.
    said = "The connection ended before the body did: send all of it."
    return problem(400, said, _id(request))


async def _unforeseen(request: Request, error: Exception) -> Response:
    request_id = _id(request)
    log.error(f"Request {request_id} failed unexpectedly.", exc_info=error)
    said = f"Something unforeseen went wrong: see request {request_id} in logs/tcs-stock.log."
    # This answer is made outside of what names all others.
    return problem(500, said, request_id, {"X-Request-ID": request_id})


def _methods(request: Request) -> list[str]:
    """What the path can be asked with: every route of it counts, not only the first."""
    found: set[str] = set()
    for route in request.app.routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            found |= route.methods or set()
    return sorted(found)


def _id(request: Request) -> str:
    return str(request.scope.get("request_id", ""))
