"""Decide which requests may pass: by host name, rate, API key and length of the body."""

from __future__ import annotations

import hashlib
import hmac
import math
import time
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import Response

from src.api.middleware.rate_limit import RateLimit
from src.api.schemas.errors import problem

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope

    from src.config.settings import ApiSettings

# Probes and the documentation need no key: they say nothing of forecasts.
OPEN_PATHS = frozenset({"/health/live", "/docs", "/openapi.json"})
DOCS_ASSETS = "/docs-parts"


class AccessPolicy:
    """The rules that ``settings`` make."""

    def __init__(self, settings: ApiSettings) -> None:
        self._keys = [bytes.fromhex(key) for key in settings.keys]
        self._hosts = frozenset(name.lower() for name in settings.trusted_hosts)
        self._max_body = settings.max_body_bytes
        self._rate = RateLimit(settings.rate_per_minute) if settings.rate_per_minute else None

    def refusal(
        self, scope: Scope, headers: dict[bytes, bytes], request_id: str
    ) -> Response | None:
        """The answer to a request that may not pass, else None."""
        if "*" not in self._hosts and _host(headers.get(b"host", b"")) not in self._hosts:
            detail = "Host not allowed: add it to FORECAST_API__TRUSTED_HOSTS."
            return problem(400, detail, request_id)
        if self._rate is not None:
            client = scope["client"][0] if scope.get("client") else ""
            wait = self._rate.wait(client, time.monotonic())
            if wait > 0:
                seconds = math.ceil(wait)
                detail = f"Too many requests: try again in {seconds} s."
                return problem(429, detail, request_id, {"Retry-After": str(seconds)})
        if self._needs_key(scope) and not self._has_key(headers):
            detail = "An API key is needed: send it in the header X-API-Key."
            challenge = {"WWW-Authenticate": 'ApiKey realm="forecasts"'}
            return problem(401, detail, request_id, challenge)
        if _number(headers.get(b"content-length", b"0")) > self._max_body:
            return problem(413, self._too_long, request_id)
        return None

    def limit_body(self, receive: Receive) -> Receive:
        """Refuse a body of unknown length once it is longer than the limit."""
        size = 0

        async def limited() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self._max_body:
                raise HTTPException(413, self._too_long)
            return message

        return limited

    @property
    def _too_long(self) -> str:
        return f"The body is longer than {self._max_body} bytes: ask for fewer tickers at once."

    def _needs_key(self, scope: Scope) -> bool:
        # Browsers send OPTIONS before a request from another site, and without its key.
        path = scope["path"]
        is_open = path in OPEN_PATHS or path.startswith(f"{DOCS_ASSETS}/")
        return bool(self._keys) and not is_open and scope["method"] != "OPTIONS"

    def _has_key(self, headers: dict[bytes, bytes]) -> bool:
        bearer = headers.get(b"authorization", b"").removeprefix(b"Bearer ")
        digest = hashlib.sha256(headers.get(b"x-api-key") or bearer).digest()
        # All keys are compared, so that the time does not tell which one is near.
        return sum(hmac.compare_digest(digest, key) for key in self._keys) > 0


def _host(header: bytes) -> str:
    """The name in a Host header, without its port."""
    text = header.decode("latin-1").lower()
    return text if text.endswith("]") else text.rpartition(":")[0] or text


def _number(text: bytes) -> int:
    return int(text) if text.isdigit() else 0
