"""Hashes of passwords, and the pauses after wrong ones."""

import hashlib
from base64 import b64decode

import pytest

from src.config.settings import DashboardSettings
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
    turnstile = Turnstile()
    assert turnstile.try_password("wrong", stored, 0.0) == 1
    # Within the pause not even the right one is looked at.
    assert turnstile.try_password(CORRECT, stored, 0.25) == 0.75
    assert turnstile.try_password("wrong", stored, 1.0) == 2
    assert turnstile.try_password("wrong", stored, 3.0) == 4
    assert turnstile.try_password(CORRECT, stored, 7.0) is None
    assert turnstile.try_password("wrong", stored, 7.0) == 1
    turnstile.failures = 500
    assert turnstile.try_password("wrong", stored, 100.0) == 60
