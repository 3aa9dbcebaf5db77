import hashlib

import orjson
import pytest

from src.api.middleware.access_policy import AccessPolicy
from src.config.settings import ApiSettings

KEY = "a key that nobody guesses"
HASHED = hashlib.sha256(KEY.encode()).hexdigest()


def refusal(settings, path="/predict/short", method="GET", **headers):
    """The status and the sentence of the refusal, None where there is none."""
    scope = {"path": path, "method": method, "client": ("127.0.0.1", 5)}
    sent = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    answer = AccessPolicy(settings).refusal(scope, {b"host": b"localhost:8000", **sent}, "an-id")
    if answer is None:
        return None
    content = orjson.loads(answer.body)
    assert (answer.media_type, content["request_id"]) == ("application/problem+json", "an-id")
    return answer.status_code, content["detail"]


def status(*args, **headers):
    refused = refusal(*args, **headers)
    return refused and refused[0]


def test_lets_everyone_in_where_no_key_is_set():
    assert refusal(ApiSettings()) is None


@pytest.mark.parametrize("header", [{"x_api_key": KEY}, {"authorization": f"Bearer {KEY}"}])
def test_lets_the_holder_of_any_of_the_keys_in(header):
    settings = ApiSettings(keys=("0" * 64, HASHED))

    assert refusal(settings, **header) is None


@pytest.mark.parametrize("header", [{}, {"x_api_key": "another"}, {"x_api_key": HASHED}])
def test_refuses_requests_without_a_key(header):
    assert status(ApiSettings(keys=(HASHED,)), **header) == 401


def test_a_refusal_says_how_to_send_a_key_and_when_to_try_again():
    scope = {"path": "/predict/short", "method": "GET", "client": ("127.0.0.1", 5)}
    policy = AccessPolicy(ApiSettings(keys=(HASHED,), rate_per_minute=1))

    first, second = (policy.refusal(scope, {b"host": b"localhost"}, "an-id") for _ in range(2))

    assert first.headers["www-authenticate"].startswith("ApiKey")
    assert (second.status_code, second.headers["retry-after"]) == (429, "60")


def test_a_probe_needs_no_key():
    assert refusal(ApiSettings(keys=(HASHED,)), path="/health/live") is None


def test_a_browser_s_preflight_request_needs_no_key():
    assert refusal(ApiSettings(keys=(HASHED,)), method="OPTIONS") is None


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "", "localhost.evil"])
def test_refuses_other_hosts_and_names_the_setting(host):
    assert refusal(ApiSettings(), host=host) == (
        400,
        "Host not allowed: add it to FORECAST_API__TRUSTED_HOSTS.",
    )


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1", "[::1]:8000"])
def test_accepts_its_own_hosts(host):
    assert refusal(ApiSettings(), host=host) is None


def test_refuses_a_body_of_more_than_1_mib():
    assert refusal(ApiSettings(), content_length="1048576") is None
    assert status(ApiSettings(), content_length="1048577") == 413
