"""The OpenAPI document: how every error looks is said once."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from src.api.problems import MEDIA_TYPE
from src.api.schemas import Problem

_WHEN = {
    400: "The service is not called by that name.",
    401: "A key is needed.",
    404: "No prices of the ticker are stored.",
    413: "The body is too long.",
    422: "The request is malformed.",
    429: "Too many requests.",
    503: "There is nothing true to answer: no model, no inputs, or no database.",
}
_EVERYWHERE = (400, 401, 413, 429)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a route that may fail with these, and with what any may fail with."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {
            "description": _WHEN.get(status, HTTPStatus(status).phrase),
            "content": {MEDIA_TYPE: {"schema": schema}},
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
            schemas = made.setdefault("components", {}).setdefault("schemas", {})
            schemas["Problem"] = Problem.model_json_schema()
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign] # FastAPI's way to change it
