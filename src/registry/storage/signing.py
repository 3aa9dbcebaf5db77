"""Sign manifests with the key of the settings, and check digests and signatures."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path
from typing import TYPE_CHECKING

from src.core.errors import BadConfig

if TYPE_CHECKING:
    from src.config.settings import Settings

MIN_KEY_LENGTH = 16


def signing_key(settings: Settings) -> bytes | None:
    """The signing key, or None where none is set.

    Raises:
        BadConfig: For a key that is too short to keep anyone out.
    """
    if settings.signing_key is None:
        return None
    key = settings.signing_key.get_secret_value().encode()
    if len(key) < MIN_KEY_LENGTH:
        raise BadConfig(
            f"FORECAST_SIGNING_KEY is shorter than {MIN_KEY_LENGTH} characters: make one with "
            "`openssl rand -hex 32`."
        )
    return key


def signature(key: bytes, purpose: str, body: bytes) -> bytes:
    """HMAC-SHA256 in hexadecimal; a signature for one purpose is not valid for another."""
    return hmac.new(key, f"{purpose}\n".encode() + body, hashlib.sha256).hexdigest().encode()


def check_signature(path: Path, purpose: str, body: bytes, key: bytes | None) -> None:
    """Raise ValueError unless there is no key, or ``path`` holds the signature of ``body``."""
    if key is None:
        return
    try:
        stored = path.read_bytes()
    except FileNotFoundError:
        raise ValueError("it is not signed, but FORECAST_SIGNING_KEY is set") from None
    if not digests_equal(stored, signature(key, purpose, body)):
        raise ValueError("it is signed by another key")


def sha256(data: bytes) -> str:
    """The digest of some bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def digests_equal(first: str | bytes, second: str | bytes) -> bool:
    """Whether two digests are equal, in a time that does not depend on where they differ."""
    return hmac.compare_digest(_bytes(first), _bytes(second))


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text
