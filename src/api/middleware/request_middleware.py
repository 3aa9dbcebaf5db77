"""Give every request an id, count it, and let it through the access policy and CORS."""

from __future__ import annotations

import re
import time
from secrets import token_hex
from typing import TYPE_CHECKING

from starlette.middleware.cors import CORSMiddleware

from src.api.middleware.access_policy import AccessPolicy

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from src.api.observability.metrics import Metrics
    from src.config.settings import ApiSettings

# In uvloop's error when the client has left before the server noticed: nobody is to be answered.
CLIENT_GONE = "the handler is closed"
REQUEST_ID = "[A-Za-z0-9._-]{1,64}"
_REQUEST_ID = re.compile(REQUEST_ID.encode())


class RequestMiddleware:
    """ASGI middleware around all routes; ``app.state.metrics`` and ``.api`` are set at start."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._inner = app
        self._policy: AccessPolicy | None = None
        self._metrics: Metrics | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection, as ASGI has it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if self._policy is None:
            self._configure(scope["app"].state.api, scope["app"].state.metrics)
        await self._handle(scope, receive, send)

    def _configure(self, settings: ApiSettings, metrics: Metrics) -> None:
        """Read the settings, which are not there yet when the application is created."""
        self._policy, self._metrics = AccessPolicy(settings), metrics
        if settings.cors_origins:
            self._inner = CORSMiddleware(
                self.app,
                allow_origins=settings.cors_origins,
                allow_methods=["GET", "POST"],
                allow_headers=["X-API-Key", "Content-Type"],
                expose_headers=["X-Request-ID", "Age"],
            )

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._policy is not None and self._metrics is not None  # noqa: S101, PT018
        started = time.perf_counter()
        headers = dict(scope["headers"])
        client_id = headers.get(b"x-request-id", b"")
        request_id = client_id if _REQUEST_ID.fullmatch(client_id) else token_hex(16).encode()
        scope["request_id"] = request_id.decode()
        status = 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"].append((b"x-request-id", request_id))
            try:
                await send(message)
            except RuntimeError as error:
                if CLIENT_GONE not in str(error):
                    raise

        refusal = self._policy.refusal(scope, headers, scope["request_id"])
        if b"transfer-encoding" in headers:
            receive = self._policy.limit_body(receive)
        try:
            await (refusal or self._inner)(scope, receive, send_with_id)
        finally:
            self._metrics.count(scope, status, time.perf_counter() - started)
