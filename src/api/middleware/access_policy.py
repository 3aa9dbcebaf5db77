"""Decide which requests may pass: by host name, rate, API key and length of the body."""

from __future__ import annotations

import hashlib
import hmac
import math
import time
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import Response

from src.api.middleware.client_address import ClientAddress
from src.api.middleware.rate_limit import RateLimit
from src.api.schemas.errors import problem

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope

    from src.config.sections.services import ApiSettings

# Probes and the documentation need no key: they say nothing of forecasts.
PROBE = "/health/live"
OPEN_PATHS = frozenset({PROBE, "/docs", "/openapi.json"})
DOCS_ASSETS = "/docs-parts"

# In the scope of a request: the SHA-256 of its key, where it sent a valid one.
API_KEY = "api_key_sha256"

NO_KEY = "An API key is needed: send it in the header X-API-Key."
WRONG_KEY = "The API key is not valid: check it, or ask the operator of the service for one."


class AccessPolicy:
    """The rules that ``settings`` make."""

    def __init__(self, settings: ApiSettings) -> None:
        self._keys = [bytes.fromhex(key) for key in settings.keys]
        self._hosts = frozenset(name.lower() for name in settings.trusted_hosts)
        self._max_body = settings.max_body_bytes
        self._rate = RateLimit(settings.rate_per_minute) if settings.rate_per_minute else None
        self._address = ClientAddress(settings.trusted_proxies)

    def refusal(
        self, scope: Scope, headers: dict[bytes, bytes], request_id: str
    ) -> Response | None:
        """The answer to a request that may not pass, else None; ``scope`` gets its key's hash."""
        if "*" not in self._hosts and _host(headers.get(b"host", b"")) not in self._hosts:
            detail = "Host not allowed: add it to FORECAST_API__TRUSTED_HOSTS."
            return problem(400, detail, request_id)
        key = self._sent_key(headers) if self._keys else None
        is_valid = key is not None and self._is_valid(key)
        wait = self._wait(scope, key if is_valid else None)
        if wait > 0:
            seconds = math.ceil(wait)
            detail = f"Too many requests: try again in {seconds} s."
            return problem(429, detail, request_id, {"Retry-After": str(seconds)})
        if not is_valid and self._needs_key(scope):
            challenge = {"WWW-Authenticate": 'ApiKey realm="forecasts"'}
            return problem(401, NO_KEY if key is None else WRONG_KEY, request_id, challenge)
        if key is not None and is_valid:
            scope[API_KEY] = key.hex()
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

    def _wait(self, scope: Scope, valid_key: bytes | None) -> float:
        """Seconds until the request may be sent; each key, or else each address, has a limit."""
        if self._rate is None or scope["path"] == PROBE or scope["method"] == "OPTIONS":
            return 0.0
        client = self._address.of(scope) if valid_key is None else valid_key.hex()
        return self._rate.wait(client, time.monotonic())

    def _needs_key(self, scope: Scope) -> bool:
        # Browsers send OPTIONS before a request from another site, and without its key.
        path = scope["path"]
        is_open = path in OPEN_PATHS or path.startswith(f"{DOCS_ASSETS}/")
        return bool(self._keys) and not is_open and scope["method"] != "OPTIONS"

    def _sent_key(self, headers: dict[bytes, bytes]) -> bytes | None:
        """The SHA-256 of the key in a request, None where there is none."""
        bearer = headers.get(b"authorization", b"").removeprefix(b"Bearer ")
        key = headers.get(b"x-api-key") or bearer
        return hashlib.sha256(key).digest() if key else None

    def _is_valid(self, key: bytes) -> bool:
        # All keys are compared, so that the time does not tell which one is near.
        return sum(hmac.compare_digest(key, valid) for valid in self._keys) > 0


def _host(header: bytes) -> str:
    """The name in a Host header, without its port."""
    text = header.decode("latin-1").lower()
    return text if text.endswith("]") else text.rpartition(":")[0] or text


def _number(text: bytes) -> int:
    return int(text) if text.isdigit() else 0
