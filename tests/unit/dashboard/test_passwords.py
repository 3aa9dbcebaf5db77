"""Hashes of passwords, and the pauses after wrong ones."""

import hashlib
from base64 import b64decode, b64encode

import pytest

from src.config.sections.services import DashboardSettings
from src.dashboard.login import passwords
from src.dashboard.login.passwords import Turnstile, hash_password, is_password

CORRECT = "pässwörd, long enough"


@pytest.fixture(scope="module")
def stored():
    return hash_password(CORRECT)


def test_a_hash_is_scrypt_and_holds_no_password(stored):
    _, work, block, parallel, salt, key = stored.split("$")
    derived = hashlib.scrypt(
        CORRECT.encode(),
        salt=b64decode(salt),
        n=int(work),
        r=int(block),
        p=int(parallel),
        maxmem=2**26,
        dklen=32,
    )
    assert derived == b64decode(key)
    assert is_password(CORRECT, stored)
    assert not is_password("password, long enough", stored)
    assert hash_password(CORRECT) != stored
    assert "long" not in stored
    assert (
        DashboardSettings.model_validate({"password_hash": stored}).password_hash.get_secret_value()
        == stored
    )


@pytest.mark.parametrize(
    "text", ["secret", "scrypt$2$8$1$$", "scrypt$99999999$8$1$c2FsdA==$a2V5", "md5$2$8$1$c2Fs$a2V5"]
)
def test_what_is_no_hash_is_refused(text):
    with pytest.raises(ValueError, match="no hash"):
        is_password(CORRECT, text)


def test_settings_take_hashes_only():
    with pytest.raises(ValueError, match=r"src\.dashboard\.login"):
        DashboardSettings.model_validate({"password_hash": "secret"})
    assert DashboardSettings.model_validate({"password_hash": ""}).password_hash is None


def test_pauses_grow_and_end_with_the_right_password(stored):
    turnstile, here = Turnstile(), "10.0.0.1"
    assert turnstile.try_password("wrong", stored, 0.0, here) == 1
    # Within the pause not even the right one is looked at.
    assert turnstile.try_password(CORRECT, stored, 0.25, here) == 0.75
    assert turnstile.try_password("wrong", stored, 1.0, here) == 2
    assert turnstile.try_password("wrong", stored, 3.0, here) == 4
    assert turnstile.failures(here) == 3
    assert turnstile.try_password(CORRECT, stored, 7.0, here) is None
    assert turnstile.try_password("wrong", stored, 7.0, here) == 1


@pytest.fixture
def quick():
    """A hash that is computed in no time."""
    key = hashlib.scrypt(CORRECT.encode(), salt=b"salt", n=2, r=1, p=1, dklen=32)
    return f"scrypt$2$1$1$c2FsdA==${b64encode(key).decode()}"


def test_a_pause_has_an_end(quick):
    turnstile, at = Turnstile(), 0.0
    for _ in range(20):
        pause = turnstile.try_password("wrong", quick, at, "10.0.0.1")
        at += pause
    assert pause == 60


def test_the_wrong_passwords_of_a_stranger_keep_nobody_else_out(quick):
    turnstile = Turnstile()
    for second in (0, 1, 3):
        turnstile.try_password("wrong", quick, second, "203.0.113.7")
    assert turnstile.try_password(CORRECT, quick, 3.5, "this machine") is None
    assert turnstile.try_password("wrong", quick, 3.5, "203.0.113.8") == 1
    assert turnstile.try_password(CORRECT, quick, 3.5, "203.0.113.7") == 3.5
    assert turnstile.try_password(CORRECT, quick, 3.5, "::ffff:203.0.113.7") == 3.5


def test_a_network_of_ipv6_is_one_person(quick):
    turnstile = Turnstile()
    assert turnstile.try_password("wrong", quick, 0.0, "2001:db8::1") == 1
    assert turnstile.try_password(CORRECT, quick, 0.5, "2001:db8::ffff:2") == 0.5
    assert turnstile.try_password(CORRECT, quick, 0.5, "2001:db8:0:1::1") is None


def test_no_more_addresses_are_remembered_than_fit(quick, monkeypatch):
    monkeypatch.setattr(passwords, "MOST_ADDRESSES", 3)
    turnstile = Turnstile()
    for number in range(5):
        turnstile.try_password("wrong", quick, 0.0, f"10.0.0.{number}")
    assert [turnstile.failures(f"10.0.0.{number}") for number in range(5)] == [0, 0, 1, 1, 1]
