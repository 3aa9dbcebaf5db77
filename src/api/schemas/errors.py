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
from src.core.trials import NoTrial, TrialConflict, TrialRefused

MEDIA_TYPE = "application/problem+json"

NOT_JSON = 'The body is not valid JSON: send {"tickers": ["TCS.NS"]}.'
WRONG_BODY = 'The body must be an object with a list of tickers: send {"tickers": ["TCS.NS"]}.'
TOO_MANY_FIELDS = "The body has too many fields: send only tickers and horizons."
# Of the routes below this one other bodies are expected.
TRIALS = "/trials"
OTHER_NOT_JSON = "The body is not valid JSON: send an object such as that of /docs."
OTHER_WRONG_BODY = "The body must be an object: send one such as that of /docs."
_WHOLE_BODY = {"json_invalid": NOT_JSON, "fields": TOO_MANY_FIELDS}
_OTHER_REASONS = {
    "missing": "this field is missing: send it, as /docs shows",
    "extra_forbidden": "there is no such field: leave it out",
    "list_type": "this is not a list: send one in brackets",
    "string_type": "this is not text: send text in quotes",
}
# What is wrong and what to do, by pydantic's type of error.
_REASONS = {
    "missing": 'this field is missing: send {{"tickers": ["TCS.NS"]}}',
    "extra_forbidden": "there is no such field: send tickers and, if you like, horizons",
    "list_type": 'this is not a list: send one, such as ["TCS.NS"]',
    "too_short": "the list is empty: send at least one entry",
    "too_long": "the list has {actual_length} entries: send at most {max_length} at once",
    "string_type": 'this is not text: send text in quotes, such as "TCS.NS"',
    "string_unicode": 'this is not readable text: send text in UTF-8, such as "TCS.NS"',
    "string_too_long": "the text is too long: send at most {max_length} characters",
    "string_too_short": "the text is empty: send at least {min_length} character",
    "string_pattern_mismatch": "the text has characters that cannot be there: see /docs",
    "int_type": "this is not a whole number: send one, such as 100",
    "int_from_float": "this is not a whole number: send one, such as 100",
    "float_type": "this is not a number: send one, such as 0.005",
    "float_parsing": "this is not a number: send one, such as 0.005",
    "finite_number": "this is not a number: send one, such as 0.005",
    "literal_error": "there is no such value: send {expected}",
    "int_parsing": "this is not a whole number: send one, such as 100",
    "greater_than_equal": "the number is too small: send at least {ge}",
    "less_than_equal": "the number is too large: send at most {le}",
    "timestamp": "this is not a time of 1990 to 2099 with its time zone: send one such as "
    "2026-04-13T12:30:00Z",
    "datetime_from_date_parsing": "there is no such time: send one such as 2026-04-13T12:30:00Z",
}


class NoForecast(ForecastError):
    """There is no forecast of a ticker and horizon.

    Attributes:
        status: What the request is answered with.
    """

    def __init__(self, detail: str, status: HTTPStatus = HTTPStatus.SERVICE_UNAVAILABLE) -> None:
        super().__init__(detail)
        self.status = status


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
    if isinstance(error, NoTrial):
        return HTTPStatus.NOT_FOUND
    if isinstance(error, TrialConflict | TrialRefused):
        return HTTPStatus.CONFLICT
    return HTTPStatus.SERVICE_UNAVAILABLE


def not_json(path: str) -> str:
    """What to say of a body of a request to a path that is no JSON."""
    return OTHER_NOT_JSON if path.startswith(TRIALS) else NOT_JSON


def validation_sentence(errors: Sequence[Any], path_of_request: str = "") -> str:
    """The first of pydantic's validation errors as a sentence."""
    first, is_trial = errors[0], path_of_request.startswith(TRIALS)
    path = [str(part) for part in first["loc"] if part not in ("body", "query", "path")]
    if first["type"] in _WHOLE_BODY or not path:
        if is_trial:
            return OTHER_NOT_JSON if first["type"] == "json_invalid" else OTHER_WRONG_BODY
        return _WHOLE_BODY.get(first["type"], WRONG_BODY)
    # Field names come from the client: of any length, with any character.
    name = ".".join(path)
    field = name if re.fullmatch("[a-z0-9._]{0,40}", name) else quoted(name)
    reasons = _REASONS | _OTHER_REASONS if is_trial else _REASONS
    reason = reasons.get(first["type"], "the value cannot be used: see /docs")
    return f"{field}: {reason.format(**first.get('ctx', {}))}."
