import pytest

from src.config.load import load_settings
from src.core.errors import BadConfig
from src.registry.storage.signing import digests_equal, signature, signing_keys


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    monkeypatch.delenv("FORECAST_SIGNING_KEY", raising=False)


def test_the_key_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("FORECAST_SIGNING_KEY", "sixteen letters!")

    settings = load_settings(env_file=None)

    assert signing_keys(settings) == (b"sixteen letters!",)
    assert "sixteen" not in repr(settings)


@pytest.mark.parametrize("text", [None, ""])
def test_without_one_nothing_is_signed(monkeypatch, text):
    if text is not None:
        monkeypatch.setenv("FORECAST_SIGNING_KEY", text)

    assert signing_keys(load_settings(env_file=None)) == ()


def test_several_keys_are_separated_by_commas_and_keep_their_order(monkeypatch):
    monkeypatch.setenv("FORECAST_SIGNING_KEY", "the new key of 16, the old key of 16")

    keys = signing_keys(load_settings(env_file=None))

    assert keys == (b"the new key of 16", b"the old key of 16")


@pytest.mark.parametrize("text", ["the new key of 16,hunter2", ",the old key of 16"])
def test_one_short_key_of_several_is_refused_without_quoting_it(text):
    with pytest.raises(BadConfig, match="A key in FORECAST_SIGNING_KEY is shorter") as refused:
        signing_keys(load_settings(overrides={"signing_key": text}, env_file=None))

    assert "hunter2" not in str(refused.value)


def test_a_short_key_is_refused_without_quoting_it():
    with pytest.raises(BadConfig, match="shorter than 16") as refused:
        signing_keys(load_settings(overrides={"signing_key": "hunter2"}, env_file=None))

    assert "hunter2" not in str(refused.value)


def test_a_signature_for_one_purpose_is_worth_nothing_for_another():
    assert signature(b"k" * 16, "set", b"body") != signature(b"k" * 16, "version", b"body")


def test_digests_are_the_same_as_text_and_as_bytes():
    assert digests_equal("ab", b"ab")
    assert not digests_equal("ab", "ac")
