import pytest
from structlog.testing import capture_logs

from src.api.middleware.client_address import FORWARDED, ClientAddress


def address(*headers, peer="10.0.0.5", proxies=()):
    scope = {
        "client": (peer, 50_000),
        "headers": [(b"x-forwarded-for", header.encode()) for header in headers],
    }
    return ClientAddress(proxies).of(scope)


@pytest.mark.parametrize("header", ["203.0.113.7", "203.0.113.7, 10.0.0.6", "", "x", "[::1]:5"])
def test_what_a_client_writes_of_itself_is_not_believed(header):
    assert address(header) == "10.0.0.5"
    assert address(header, proxies=["10.0.0.7", "192.168.0.0/16"]) == "10.0.0.5"


@pytest.mark.parametrize(
    ("header", "client"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("made up, 203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:4711", "203.0.113.7"),
        ("[2001:db8::7]:4711", "2001:db8::7"),
        ("2001:db8::7", "2001:db8::7"),
        ("made up, 203.0.113.7, 10.0.0.9", "203.0.113.7"),
        ("10.0.0.8, 10.0.0.9", "10.0.0.8"),
    ],
)
def test_the_last_address_that_is_no_proxy_s_is_the_client_s(header, client):
    assert address(header, proxies=["10.0.0.0/24"]) == client


@pytest.mark.parametrize("header", ["10.0.0.50", "110.0.0.5", "made up, 10.0.0.51"])
def test_an_address_that_only_contains_the_proxy_s_is_another(header):
    assert address(header, proxies=["10.0.0.5"]) == header.rpartition(" ")[2]


def test_headers_that_were_sent_one_by_one_are_read_as_one():
    assert address("made up", "203.0.113.7", proxies=["10.0.0.5"]) == "203.0.113.7"


def test_without_the_header_the_peer_is_the_client():
    assert address(proxies=["10.0.0.5"]) == "10.0.0.5"
    assert ClientAddress(()).of({"client": None, "headers": []}) == ""


@pytest.mark.parametrize("header", ["1.2.3.4", "x, 1.2.3.4:80", "1.2.3.4, 127.0.0.1"])
def test_an_address_that_the_server_itself_took_from_the_header_is_one_for_all(header):
    """uvicorn replaces the peer's address for clients on its own machine."""
    assert address(header, peer="1.2.3.4") == FORWARDED
    assert address(header, peer="1.2.3.4", proxies=["1.2.3.4"]) == FORWARDED


def test_that_the_server_takes_addresses_from_the_header_is_warned_of_once():
    clients = ClientAddress(())
    scope = {"client": ("1.2.3.4", 0), "headers": [(b"x-forwarded-for", b"1.2.3.4")]}
    with capture_logs() as lines:
        for _ in range(2):
            clients.of(scope)

    assert [line["log_level"] for line in lines] == ["warning"]
    assert "start it with --no-proxy-headers" in lines[0]["event"]
