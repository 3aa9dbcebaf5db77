from types import SimpleNamespace

import pytest

from src.api.middleware.access_policy import API_KEY
from src.api.routes.client_id import client_of

SPLIT = SimpleNamespace(challengers=SimpleNamespace(splits={("NSE", "short"): object()}))
NONE = SimpleNamespace(challengers=SimpleNamespace(splits={}))


def request(client_id=None, key=None):
    headers = {} if client_id is None else {b"x-client-id": client_id}
    scope = {"headers_by_name": headers} | ({API_KEY: key} if key else {})
    return SimpleNamespace(scope=scope)


@pytest.mark.parametrize(
    ("sent", "client"),
    [
        ({}, None),
        ({"client_id": b""}, None),
        ({"client_id": b"user-1"}, b"id:user-1"),
        ({"client_id": b"\xff\x00"}, b"id:\xff\x00"),
        ({"key": "ab" * 32}, b"key:" + b"ab" * 32),
        ({"client_id": b"", "key": "ab" * 32}, b"key:" + b"ab" * 32),
        ({"client_id": b"user-1", "key": "ab" * 32}, b"id:user-1"),
    ],
)
def test_the_id_that_was_sent_comes_before_the_key(sent, client):
    assert client_of(request(**sent), SPLIT) == client


def test_without_a_split_nobody_is_told_apart():
    assert client_of(request(client_id=b"user-1", key="ab" * 32), NONE) is None
