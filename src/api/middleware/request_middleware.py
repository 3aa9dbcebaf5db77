"""Give every request an id, count it, and let it through CORS and the access policy."""

from __future__ import annotations

import re
import time
from secrets import token_hex
from typing import TYPE_CHECKING

from starlette.middleware.cors import CORSMiddleware

from src.api.middleware import error_handlers
from src.api.middleware.access_policy import AccessPolicy

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from src.api.observability.metrics import Metrics
    from src.config.sections.services import ApiSettings

# In uvloop's error when the client has left before the server noticed: nobody is to be answered.
CLIENT_GONE = "the handler is closed"
REQUEST_ID = "[A-Za-z0-9._-]{1,64}"
_REQUEST_ID = re.compile(REQUEST_ID.encode())


class RequestMiddleware:
    """ASGI middleware around all routes; ``app.state.metrics`` and ``.api`` are set at start."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._inner: ASGIApp = self._respond
        self._policy: AccessPolicy | None = None
        self._metrics: Metrics | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection, as ASGI has it."""
        if scope["type"] != "http":
            await self.app(scope, receive, error_handlers.startup_sentence(send))
            return
        if self._policy is None:
            self._configure(scope["app"].state.api, scope["app"].state.metrics)
        await self._handle(scope, receive, send)

    def _configure(self, settings: ApiSettings, metrics: Metrics) -> None:
        """Read the settings, which are not there yet when the application is created."""
        self._policy, self._metrics = AccessPolicy(settings), metrics
        if settings.cors_origins:
            # Around the policy, so that a page can read why its request was refused.
            self._inner = CORSMiddleware(
                self._respond,
                allow_origins=settings.cors_origins,
                allow_methods=["GET", "POST"],
                allow_headers=[
                    *("X-API-Key", "Authorization", "Content-Type", "X-Request-ID", "X-Client-ID")
                ],
                expose_headers=["X-Request-ID", "Age", "Retry-After", "WWW-Authenticate", "Allow"],
            )

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._metrics is not None  # noqa: S101
        started = time.perf_counter()
        scope["headers_by_name"] = headers = dict(scope["headers"])
        client_id = headers.get(b"x-request-id", b"")
        request_id = client_id if _REQUEST_ID.fullmatch(client_id) else token_hex(16).encode()
        scope["request_id"] = request_id.decode()

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                scope["answered_with"] = message["status"]
                message["headers"].append((b"x-request-id", request_id))
            try:
                await send(message)
            except RuntimeError as error:
                if CLIENT_GONE not in str(error):
                    raise

        try:
            await self._inner(scope, receive, send_with_id)
        finally:
            status = scope.get("answered_with", 500)
            self._metrics.count(scope, status, time.perf_counter() - started)

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by a refusal or by the application, and what went wrong in it by a problem."""
        assert self._policy is not None  # noqa: S101
        headers, request_id = scope["headers_by_name"], scope["request_id"]
        try:
            refusal = self._policy.refusal(scope, headers, request_id)
            if b"transfer-encoding" in headers:
                receive = self._policy.limit_body(receive)
            await (refusal or self.app)(scope, receive, send)
        except Exception as error:
            if "answered_with" in scope:
                raise  # the answer has begun
            await error_handlers.unexpected_error(error, request_id)(scope, receive, send)
