import hashlib

import orjson
import pytest

from src.api.middleware.front import Doorman, Rate
from src.config.settings import ApiSettings

KEY = "a key that nobody guesses"
HASHED = hashlib.sha256(KEY.encode()).hexdigest()


def refused(settings, path="/predict/short", method="GET", **headers):
    """The status of the refusal, None where there is none."""
    scope = {"path": path, "method": method, "client": ("127.0.0.1", 5)}
    given = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    answer = Doorman(settings).refusal(scope, {b"host": b"localhost:8000", **given}, "an-id")
    if answer is None:
        return None
    told = orjson.loads(answer.body)
    assert (answer.media_type, told["request_id"]) == ("application/problem+json", "an-id")
    return answer.status_code


def test_lets_everyone_in_where_no_key_is_set():
    assert refused(ApiSettings()) is None


@pytest.mark.parametrize("header", [{"x_api_key": KEY}, {"authorization": f"Bearer {KEY}"}])
def test_lets_the_holder_of_any_of_the_keys_in(header):
    settings = ApiSettings(keys=("0" * 64, HASHED))

    assert refused(settings, **header) is None


@pytest.mark.parametrize("header", [{}, {"x_api_key": "another"}, {"x_api_key": HASHED}])
def test_keeps_out_who_has_no_key(header):
    assert refused(ApiSettings(keys=(HASHED,)), **header) == 401


def test_a_refusal_says_how_to_come_in_and_when_to_come_again():
    scope = {"path": "/predict/short", "method": "GET", "client": ("127.0.0.1", 5)}
    doorman = Doorman(ApiSettings(keys=(HASHED,), rate_per_minute=1))

    first, second = (doorman.refusal(scope, {b"host": b"localhost"}, "an-id") for _ in range(2))

    assert first.headers["www-authenticate"].startswith("ApiKey")
    assert (second.status_code, second.headers["retry-after"]) == (429, "60")


def test_a_probe_needs_no_key():
    assert refused(ApiSettings(keys=(HASHED,)), path="/health/live") is None


def test_a_browser_may_ask_whether_it_may_ask():
    assert refused(ApiSettings(keys=(HASHED,)), method="OPTIONS") is None


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "", "localhost.evil"])
def test_is_not_called_by_another_name(host):
    assert refused(ApiSettings(), host=host) == 400


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1", "[::1]:8000"])
def test_is_called_by_its_own_names(host):
    assert refused(ApiSettings(), host=host) is None


def test_refuses_a_body_of_more_than_1_mib():
    assert refused(ApiSettings(), content_length="1048576") is None
    assert refused(ApiSettings(), content_length="1048577") == 413


def test_a_client_may_ask_so_often_a_minute_and_again_when_a_token_has_come_back():
    rate = Rate(per_minute=2)

    assert [rate.wait("a", 0.0), rate.wait("a", 0.0)] == [0.0, 0.0]
    assert rate.wait("a", 0.0) == pytest.approx(30.0)
    assert rate.wait("b", 0.0) == 0.0
    assert rate.wait("a", 30.0) == 0.0
