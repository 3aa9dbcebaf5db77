"""A key from the settings in; signatures of manifests that no one without it can make."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from src.core.errors import BadConfig

if TYPE_CHECKING:
    from src.config.settings import Settings

SHORTEST = 16


def key_of(settings: Settings) -> bytes | None:
    """The signing key, or None where none is set.

    Raises:
        BadConfig: For a key that is too short to keep anyone out.
    """
    if settings.signing_key is None:
        return None
    key = settings.signing_key.get_secret_value().encode()
    if len(key) < SHORTEST:
        raise BadConfig(
            f"FORECAST_SIGNING_KEY is shorter than {SHORTEST} characters: make one with "
            "`openssl rand -hex 32`."
        )
    return key


def signature(key: bytes, purpose: str, body: bytes) -> bytes:
    """HMAC-SHA256 in hexadecimal; what is signed for one purpose is worth nothing for another."""
    return hmac.new(key, f"{purpose}\n".encode() + body, hashlib.sha256).hexdigest().encode()


def sha256(data: bytes) -> str:
    """The digest of some bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def same(one: str | bytes, other: str | bytes) -> bool:
    """Whether two digests are equal, in a time that tells nothing of where they differ."""
    return hmac.compare_digest(_bytes(one), _bytes(other))


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text
