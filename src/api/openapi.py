"""The OpenAPI document: errors and headers that all routes share are described once."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from src.api.middleware.access_policy import OPEN_PATHS
from src.api.middleware.request_middleware import REQUEST_ID
from src.api.schemas.errors import MEDIA_TYPE
from src.api.schemas.responses import Problem

_DESCRIPTIONS = {
    400: "The host is not allowed, or the body ended early.",
    401: "An API key is needed, or the one that was sent is not valid.",
    403: "The service has no API keys, so nothing can be written.",
    404: "No prices of the ticker are stored, or there is no such trial.",
    409: "What is stored forbids it.",
    413: "The body is too long.",
    422: "The request is malformed.",
    429: "Too many requests.",
    503: "There is no model, there are no inputs, or there is no database.",
}
_ALWAYS_POSSIBLE = (400, 401, 413, 429)
_REQUEST_ID_HEADER = {
    "description": "The id of the request: the client's own where it sent one.",
    "required": True,
    "schema": {"type": "string", "pattern": f"^{REQUEST_ID}$"},
}
_HEADERS: dict[int, dict[str, Any]] = {
    401: {
        "WWW-Authenticate": {
            "description": "How to send a key.",
            "required": True,
            "schema": {"type": "string"},
        }
    },
    429: {
        "Retry-After": {
            "description": "Seconds until the next request is accepted.",
            "required": True,
            "schema": {"type": "integer", "minimum": 1},
        }
    },
    503: {
        "Retry-After": {
            "description": "Seconds to wait, where the database does not answer.",
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
        "description": "An answer must not be used again without asking.",
        "required": True,
        "schema": {"type": "string", "const": "no-cache"},
    },
}
_SECURITY_SCHEMES = {
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "bearer": {"type": "http", "scheme": "bearer"},
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a route for these statuses, and for those possible everywhere."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {
            "description": _DESCRIPTIONS.get(status, HTTPStatus(status).phrase),
            "content": {MEDIA_TYPE: {"schema": schema}},
            "headers": _HEADERS.get(status, {}),
        }
        for status in sorted({*statuses, *_ALWAYS_POSSIBLE})
    }


def install(app: FastAPI) -> None:
    """Add what ``problems`` refers to, and keys where they are needed, to the document."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
            )
            schema["components"]["schemas"]["Problem"] = Problem.model_json_schema()
            _add_request_ids(schema)
            if _needs_key(app):
                _add_security(schema)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign] # FastAPI's way to change it


def _needs_key(app: FastAPI) -> bool:
    # Without a running service there are no settings, only the document.
    settings = getattr(app.state, "api", None)
    return settings is not None and bool(settings.keys)


def _operations(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in schema["paths"].items():
        for operation in methods.values():
            yield path, operation


def _add_request_ids(schema: dict[str, Any]) -> None:
    for _, operation in _operations(schema):
        for response in operation["responses"].values():
            response["headers"] = {
                **response.get("headers", {}),
                "X-Request-ID": _REQUEST_ID_HEADER,
            }


def _add_security(schema: dict[str, Any]) -> None:
    schema["components"]["securitySchemes"] = _SECURITY_SCHEMES
    for path, operation in _operations(schema):
        is_open = path in OPEN_PATHS
        operation["security"] = [] if is_open else [{name: []} for name in _SECURITY_SCHEMES]
