import hashlib

import pytest

from src.config.load import load_settings
from src.core.errors import BadConfig

HASHED = hashlib.sha256(b"a key").hexdigest()


def test_keys_are_read_from_their_own_variable(monkeypatch):
    monkeypatch.setenv("FORECAST_API_KEYS", f"{HASHED}, {'0' * 64}")

    assert load_settings(env_file=None).api.keys == (HASHED, "0" * 64)


def test_a_key_that_is_no_hash_is_refused_and_not_repeated(monkeypatch):
    monkeypatch.setenv("FORECAST_API_KEYS", "hunter2")

    with pytest.raises(BadConfig, match="SHA-256") as refused:
        load_settings(env_file=None)

    assert "hunter2" not in str(refused.value)


def test_a_password_in_the_place_of_its_hash_is_not_repeated(monkeypatch):
    monkeypatch.setenv("FORECAST_DASHBOARD__PASSWORD_HASH", "hunter2")

    with pytest.raises(BadConfig, match="is invalid: give a hash") as refused:
        load_settings(env_file=None)

    assert "hunter2" not in str(refused.value)


def test_nothing_of_the_api_decides_a_result(monkeypatch):
    monkeypatch.setenv("FORECAST_API_KEYS", HASHED)

    assert "api" not in load_settings(env_file=None).result_settings()


def test_trusted_proxies_are_addresses_or_networks(monkeypatch):
    monkeypatch.setenv("FORECAST_API__TRUSTED_PROXIES", "10.0.0.5, fd00::/8")
    assert load_settings(env_file=None).api.trusted_proxies == ("10.0.0.5", "fd00::/8")

    monkeypatch.setenv("FORECAST_API__TRUSTED_PROXIES", "*")
    with pytest.raises(BadConfig, match="give addresses or networks"):
        load_settings(env_file=None)
