import pytest

from src.api.middleware.rate_limit import MAX_CLIENTS, RateLimit


def test_a_client_may_send_so_many_requests_a_minute_and_more_as_tokens_return():
    rate = RateLimit(per_minute=2)

    assert [rate.wait("a", 0.0), rate.wait("a", 0.0)] == [0.0, 0.0]
    assert rate.wait("a", 0.0) == pytest.approx(30.0)
    assert rate.wait("b", 0.0) == 0.0
    assert rate.wait("a", 30.0) == 0.0


def test_remembers_so_many_clients_and_no_more():
    rate = RateLimit(per_minute=1)
    for number in range(MAX_CLIENTS + 1):
        assert rate.wait(str(number), 0.0) == 0.0

    assert rate.wait("1", 0.0) > 0
    assert rate.wait("0", 0.0) == 0.0
