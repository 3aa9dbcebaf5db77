"""Tell clients apart, for the split of a trial: by the id that one sends, else by its API key."""

from __future__ import annotations

from fastapi import Request

from src.api.forecasts.service import ForecastService
from src.api.middleware.access_policy import API_KEY

HEADER = b"x-client-id"

CLIENT_ID_PARAMETER = {
    "name": "X-Client-ID",
    "in": "header",
    "required": False,
    "description": "Any text that stays the same for one user: while a trial splits the traffic, "
    "a share of users gets the challenger's answers, marked by arm and trial. Without it the API "
    "key counts; without both the served forecast is the answer.",
    "schema": {"type": "string", "examples": ["user-4711"]},
}


def client_of(request: Request, service: ForecastService) -> bytes | None:
    """What tells the client from others; None where it does not matter or cannot be told."""
    if not service.challengers.splits:
        return None
    client_id: bytes | None = request.scope["headers_by_name"].get(HEADER)
    if client_id:
        return b"id:" + client_id
    key = request.scope.get(API_KEY)
    return None if key is None else f"key:{key}".encode()
