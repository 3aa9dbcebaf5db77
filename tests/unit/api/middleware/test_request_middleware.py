"""What a page of another site can read of an answer, whatever the answer is."""

import asyncio
import hashlib

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from src.api.middleware.request_middleware import RequestMiddleware
from src.api.observability.metrics import Metrics
from src.config.sections.services import ApiSettings

SITE = "https://example.org"
KEY = {"X-API-Key": "a key"}
SETTINGS = ApiSettings(
    cors_origins=(SITE,), keys=(hashlib.sha256(b"a key").hexdigest(),), max_body_bytes=1024
)


async def answer(request: Request) -> PlainTextResponse:
    await request.body()
    if "fail" in request.query_params:
        raise ZeroDivisionError
    return PlainTextResponse("an answer")


def send(*requests, settings=SETTINGS):
    """The answers to (method, address, headers, body) in turn, of a service with one route."""
    app = Starlette(routes=[Route("/predict/short", answer, methods=["GET", "POST"])])
    app.add_middleware(RequestMiddleware)
    app.state.api, app.state.metrics = settings, Metrics()

    async def run():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return [
                await client.request(method, address, headers=headers, content=body)
                for method, address, headers, body in requests
            ]

    return asyncio.run(run())


async def unknown_length():
    yield b"x" * 2000


ANSWERS = {
    200: ("GET", "/predict/short", KEY, None),
    400: ("GET", "http://evil.example/predict/short", KEY, None),
    401: ("GET", "/predict/short", {}, None),
    413: ("POST", "/predict/short", KEY, b"x" * 2000),
    500: ("GET", "/predict/short?fail", KEY, None),
}


@pytest.mark.parametrize("status", ANSWERS)
def test_every_answer_can_be_read_by_a_page_of_a_named_site_alone(status):
    method, address, headers, body = ANSWERS[status]
    origins = (SITE, "https://evil.example")

    named, other = send(
        *((method, address, {**headers, "Origin": origin}, body) for origin in origins)
    )

    assert (named.status_code, other.status_code) == (status, status)
    assert named.headers["access-control-allow-origin"] == SITE
    assert "Retry-After" in named.headers["access-control-expose-headers"]
    assert "access-control-allow-origin" not in other.headers
    assert named.headers["x-request-id"] != other.headers["x-request-id"]


def test_a_body_that_grows_too_long_is_refused_readably():
    (refused,) = send(("POST", "/predict/short", {**KEY, "Origin": SITE}, unknown_length()))

    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (413, SITE)


def test_a_page_can_read_when_to_try_again():
    settings = ApiSettings(cors_origins=(SITE,), rate_per_minute=1)
    request = ("GET", "/predict/short", {"Origin": SITE}, None)

    _, refused = send(request, request, settings=settings)

    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
    assert refused.headers["access-control-allow-origin"] == SITE


@pytest.mark.parametrize("name", ["X-API-Key", "Authorization", "Content-Type", "X-Request-ID"])
def test_a_page_may_send_every_header_that_is_read(name):
    asks = {
        "Origin": SITE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": name,
    }
    settings = SETTINGS.model_copy(update={"rate_per_minute": 1})

    first, second = send(*[("OPTIONS", "/predict/short", asks, None)] * 2, settings=settings)

    assert (first.status_code, second.status_code) == (200, 200)
    assert name in first.headers["access-control-allow-headers"]


def test_what_fails_unexpectedly_is_one_sentence_with_the_request_s_id():
    (failed,) = send(("GET", "/predict/short?fail", {**KEY, "X-Request-ID": "mine"}, None))

    assert failed.headers["content-type"] == "application/problem+json"
    assert failed.headers.get_list("x-request-id") == ["mine"]
    assert failed.json()["detail"] == (
        "An unexpected error occurred: see request mine in logs/tcs-stock.log."
    )
