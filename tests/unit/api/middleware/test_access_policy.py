import hashlib

import orjson
import pytest

from src.api.middleware.access_policy import API_KEY, AccessPolicy
from src.config.sections.services import ApiSettings

KEY = "a key that nobody guesses"
HASHED = hashlib.sha256(KEY.encode()).hexdigest()


def refusal(settings, path="/predict/short", method="GET", **headers):
    """The status and the sentence of the refusal, None where there is none."""
    scope = {"path": path, "method": method, "client": ("127.0.0.1", 5), "headers": []}
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


def test_a_key_that_is_not_valid_is_told_apart_from_none():
    settings = ApiSettings(keys=(HASHED,))

    assert refusal(settings)[1] == "An API key is needed: send it in the header X-API-Key."
    for header in ({"x_api_key": "another"}, {"authorization": "Bearer another"}):
        assert refusal(settings, **header)[1].startswith("The API key is not valid: check it")


def test_a_refusal_says_how_to_send_a_key_and_when_to_try_again():
    scope = {"path": "/predict/short", "method": "GET", "client": ("127.0.0.1", 5), "headers": []}
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


def statuses(policy, *requests):
    """Statuses of requests, each a path and headers; None for those that may pass."""
    found = []
    for path, sent, client in requests:
        headers = {b"host": b"localhost", **sent}
        scope = {
            "path": path,
            "method": "GET",
            "client": (client, 5),
            "headers": list(headers.items()),
        }
        answer = policy.refusal(scope, headers, "an-id")
        found.append(answer and answer.status_code)
    return found


def test_a_probe_is_never_limited():
    policy = AccessPolicy(ApiSettings(rate_per_minute=1))

    assert statuses(policy, *[("/health/live", {}, "10.0.0.1")] * 5) == [None] * 5


def test_an_address_that_a_client_makes_up_does_not_raise_its_limit():
    policy = AccessPolicy(ApiSettings(rate_per_minute=1))
    requests = [
        ("/predict/short", {b"x-forwarded-for": b"203.0.113.%d" % number}, "10.0.0.1")
        for number in range(3)
    ]

    assert statuses(policy, *requests) == [None, 429, 429]


def test_clients_behind_a_trusted_proxy_are_limited_one_by_one():
    policy = AccessPolicy(ApiSettings(rate_per_minute=1, trusted_proxies="10.0.0.1"))
    first, second = (
        ("/predict/short", {b"x-forwarded-for": address}, "10.0.0.1")
        for address in (b"203.0.113.1", b"203.0.113.2")
    )

    assert statuses(policy, first, second, first, second) == [None, None, 429, 429]


def test_each_valid_key_has_a_limit_of_its_own_wherever_it_is_used():
    other = hashlib.sha256(b"another key").hexdigest()
    policy = AccessPolicy(ApiSettings(rate_per_minute=1, keys=(HASHED, other)))
    one, two = {b"x-api-key": KEY.encode()}, {b"authorization": b"Bearer another key"}
    path = "/predict/short"

    assert statuses(policy, (path, one, "a"), (path, two, "a"), (path, one, "b")) == [
        None,
        None,
        429,
    ]


def test_keys_that_are_tried_out_are_limited_by_address():
    policy = AccessPolicy(ApiSettings(rate_per_minute=2, keys=(HASHED,)))
    tried = [("/predict/short", {b"x-api-key": b"%d" % number}, "a") for number in range(3)]

    assert statuses(policy, *tried) == [401, 401, 429]
    assert statuses(policy, ("/predict/short", {b"x-api-key": KEY.encode()}, "a")) == [None]


@pytest.mark.parametrize(
    ("keys", "sent", "known"),
    [
        ((HASHED,), {b"x-api-key": KEY.encode()}, HASHED),
        ((HASHED,), {b"authorization": b"Bearer " + KEY.encode()}, HASHED),
        ((HASHED,), {b"x-api-key": b"another"}, None),
        ((), {b"x-api-key": KEY.encode()}, None),
    ],
)
def test_a_request_that_may_pass_is_known_by_the_hash_of_a_valid_key_alone(keys, sent, known):
    headers = {b"host": b"localhost", **sent}
    scope = {"path": "/predict/short", "method": "GET", "client": ("10.0.0.1", 5), "headers": []}

    AccessPolicy(ApiSettings(keys=keys)).refusal(scope, headers, "an-id")

    assert scope.get(API_KEY) == known
