"""Requests in: counted, named, and let through only when they may; the rest gets its sentence."""

from __future__ import annotations

import hashlib
import hmac
import math
import re
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from secrets import token_hex
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from src.api.schemas.errors import problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from src.api.observability.metrics import Metrics
    from src.config.settings import ApiSettings

# What says nothing of anyone's forecasts: probes and the page that explains the rest.
OPEN_PATHS = frozenset({"/health/live", "/docs", "/openapi.json"})
PAGE_PARTS = "/docs-parts"
CLIENTS = 10_000
# uvloop's word for a client that has left, before the server is told so: nobody is to be answered.
GONE = "the handler is closed"
REQUEST_ID = "[A-Za-z0-9._-]{1,64}"
_ID = re.compile(REQUEST_ID.encode())


@dataclass
class Rate:
    """A bucket for each client: ``per_minute`` tokens at most, refilled evenly."""

    per_minute: int
    _buckets: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def wait(self, client: str, now: float) -> float:
        """Seconds until ``client`` may ask again at ``now`` (monotonic seconds); 0 lets it in."""
        tokens, since = self._buckets.pop(client, (float(self.per_minute), now))
        tokens = min(self.per_minute, tokens + (now - since) * self.per_minute / 60)
        allowed = tokens >= 1
        self._buckets[client] = (tokens - allowed, now)
        if len(self._buckets) > CLIENTS:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - tokens) * 60 / self.per_minute


class Doorman:
    """Says who may not enter, and why."""

    def __init__(self, settings: ApiSettings) -> None:
        self._keys = [bytes.fromhex(key) for key in settings.keys]
        self._hosts = frozenset(name.lower() for name in settings.trusted_hosts)
        self._most = settings.max_body_bytes
        self._rate = Rate(settings.rate_per_minute) if settings.rate_per_minute else None

    def refusal(
        self, scope: Scope, headers: dict[bytes, bytes], request_id: str
    ) -> Response | None:
        """The answer to a request that may not pass."""
        if "*" not in self._hosts and _host(headers.get(b"host", b"")) not in self._hosts:
            said = "This service is not called by that name: set FORECAST_API__TRUSTED_HOSTS."
            return problem(400, said, request_id)
        if self._rate is not None:
            client = scope["client"][0] if scope.get("client") else ""
            wait = self._rate.wait(client, time.monotonic())
            if wait > 0:
                seconds = math.ceil(wait)
                said = f"Too many requests: ask again in {seconds} s."
                return problem(429, said, request_id, {"Retry-After": str(seconds)})
        if self._locked(scope) and not self._known(headers):
            said = "A key is needed: send it as the header X-API-Key."
            return problem(401, said, request_id, {"WWW-Authenticate": 'ApiKey realm="forecasts"'})
        if _number(headers.get(b"content-length", b"0")) > self._most:
            return problem(413, self.too_long, request_id)
        return None

    def _locked(self, scope: Scope) -> bool:
        # A browser asks whether it may ask (OPTIONS) before it shows a key.
        path = scope["path"]
        known = path in OPEN_PATHS or path.startswith(f"{PAGE_PARTS}/")
        return bool(self._keys) and not known and scope["method"] != "OPTIONS"

    @property
    def too_long(self) -> str:
        """The sentence about a body that is too long."""
        return f"The body is longer than {self._most} bytes: ask for fewer tickers at once."

    def limited(self, receive: Receive) -> Receive:
        """The same body, which may not grow beyond the limit."""
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self._most:
                raise HTTPException(413, self.too_long)
            return message

        return counted

    def _known(self, headers: dict[bytes, bytes]) -> bool:
        given = headers.get(b"x-api-key") or headers.get(b"authorization", b"").removeprefix(
            b"Bearer "
        )
        digest = hashlib.sha256(given).digest()
        # All are compared, so that the time tells nothing of which one is near.
        return sum(hmac.compare_digest(digest, key) for key in self._keys) > 0


class Front:
    """ASGI middleware around all routes; ``app.state.metrics`` and ``.api`` are set at start."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._inner = app
        self._doorman: Doorman | None = None
        self._metrics: Metrics | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection, as ASGI has it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if self._doorman is None:
            self._open(scope["app"].state.api, scope["app"].state.metrics)
        await self._request(scope, receive, send)

    def _open(self, settings: ApiSettings, metrics: Metrics) -> None:
        self._doorman, self._metrics = Doorman(settings), metrics
        if settings.cors_origins:
            self._inner = CORSMiddleware(
                self.app,
                allow_origins=settings.cors_origins,
                allow_methods=["GET", "POST"],
                allow_headers=["X-API-Key", "Content-Type"],
                expose_headers=["X-Request-ID", "Age"],
            )

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._doorman is not None and self._metrics is not None  # noqa: S101, PT018
        started = time.perf_counter()
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        name = given if _ID.fullmatch(given) else token_hex(16).encode()
        scope["request_id"] = name.decode()
        status = 500

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"].append((b"x-request-id", name))
            try:
                await send(message)
            except RuntimeError as error:
                if GONE not in str(error):
                    raise

        refusal = self._doorman.refusal(scope, headers, scope["request_id"])
        if b"transfer-encoding" in headers:
            receive = self._doorman.limited(receive)
        try:
            await (refusal or self._inner)(scope, receive, named)
        finally:
            self._metrics.count(scope, status, time.perf_counter() - started)


def _host(header: bytes) -> str:
    """The name in a Host header, without its port."""
    text = header.decode("latin-1").lower()
    return text if text.endswith("]") else text.rpartition(":")[0] or text


def _number(text: bytes) -> int:
    return int(text) if text.isdigit() else 0
