"""The OpenAPI document: how every error looks is said once."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from src.api.middleware.front import OPEN_PATHS, REQUEST_ID
from src.api.schemas.errors import MEDIA_TYPE
from src.api.schemas.responses import Problem

_WHEN = {
    400: "The service is not called by that name, or the body ended early.",
    401: "A key is needed.",
    404: "No prices of the ticker are stored.",
    413: "The body is too long.",
    422: "The request is malformed.",
    429: "Too many requests.",
    503: "There is nothing true to answer: no model, no inputs, or no database.",
}
_EVERYWHERE = (400, 401, 413, 429)
_NAME = {
    "description": "The name of the request, its sender's own where one was given.",
    "required": True,
    "schema": {"type": "string", "pattern": f"^{REQUEST_ID}$"},
}
_HEADERS: dict[int, dict[str, Any]] = {
    401: {
        "WWW-Authenticate": {
            "description": "How a key is sent.",
            "required": True,
            "schema": {"type": "string"},
        }
    },
    429: {
        "Retry-After": {
            "description": "Seconds until it may be asked again.",
            "required": True,
            "schema": {"type": "integer", "minimum": 1},
        }
    },
    503: {
        "Retry-After": {
            "description": "Seconds after which the database may be back, where it is away.",
            "schema": {"type": "integer", "minimum": 1},
        }
    },
}
FRESHNESS = {
    "Age": {
        "description": "Seconds since the forecast was read from the database.",
        "required": True,
        "schema": {"type": "integer", "minimum": 0},
    },
    "Cache-Control": {
        "description": "An answer is not used again without asking.",
        "required": True,
        "schema": {"type": "string", "const": "no-cache"},
    },
}
_KEYS = {
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "bearer": {"type": "http", "scheme": "bearer"},
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a route that may fail with these, and with what any may fail with."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {
            "description": _WHEN.get(status, HTTPStatus(status).phrase),
            "content": {MEDIA_TYPE: {"schema": schema}},
            "headers": _HEADERS.get(status, {}),
        }
        for status in sorted({*statuses, *_EVERYWHERE})
    }


def install(app: FastAPI) -> None:
    """Make the document of ``app`` hold what ``problems`` refers to."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
            )
            made["components"]["schemas"]["Problem"] = Problem.model_json_schema()
            _name_answers(made)
            if _wants_key(app):
                _lock(made)
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign] # FastAPI's way to change it


def _wants_key(app: FastAPI) -> bool:
    # Without settings there is no service yet, only its document.
    settings = getattr(app.state, "api", None)
    return settings is not None and bool(settings.keys)


def _operations(made: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in made["paths"].items():
        for operation in methods.values():
            yield path, operation


def _name_answers(made: dict[str, Any]) -> None:
    for _, operation in _operations(made):
        for answer in operation["responses"].values():
            answer["headers"] = {**answer.get("headers", {}), "X-Request-ID": _NAME}


def _lock(made: dict[str, Any]) -> None:
    made["components"]["securitySchemes"] = _KEYS
    for path, operation in _operations(made):
        operation["security"] = [] if path in OPEN_PATHS else [{name: []} for name in _KEYS]
