"""Errors of the API and their answers: application/problem+json (RFC 9457), one sentence each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from starlette.responses import Response

from src.core.errors import ForecastError, UsageError
from src.core.tickers import quoted

MEDIA_TYPE = "application/problem+json"

NOT_JSON = 'The body is not valid JSON: send {"tickers": ["TCS.NS"]}.'


class NoForecast(ForecastError):
    """There is no forecast of a ticker and horizon.

    Attributes:
        status: What the request is answered with.
    """

    def __init__(self, detail: str, status: HTTPStatus = HTTPStatus.SERVICE_UNAVAILABLE) -> None:
        super().__init__(detail)
        self.status = status


class UnusableInputs(NoForecast):
    """An input of the model is not a number."""


class ImpossibleForecast(NoForecast):
    """The model forecasts what cannot be a price."""


def problem(
    status: int,
    detail: str,
    request_id: str,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Response:
    """An answer that says in one sentence what is wrong."""
    content = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "request_id": request_id,
        **more,
    }
    return Response(orjson.dumps(content), status, dict(headers or {}), MEDIA_TYPE)


def status_of(error: ForecastError) -> int:
    """The status with which an error is answered."""
    if isinstance(error, NoForecast):
        return error.status
    if isinstance(error, UsageError):
        return HTTPStatus.UNPROCESSABLE_ENTITY
    return HTTPStatus.SERVICE_UNAVAILABLE


def validation_sentence(errors: Sequence[Any]) -> str:
    """The first of pydantic's validation errors as a sentence."""
    first = errors[0]
    # Field names come from the client: of any length, with any character.
    path = ".".join(str(part) for part in first["loc"] if part not in ("body", "query"))
    field = path if re.fullmatch("[a-z0-9.]{0,40}", path) else quoted(path)
    message = str(first["msg"]).rstrip(".")
    if first["type"] == "json_invalid":
        return NOT_JSON
    return f"{field}: {message}." if field else f"The body cannot be used: {message}."
