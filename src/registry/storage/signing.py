"""Sign manifests with the keys of the settings, and check digests and signatures.

The first key signs, and what any of them signed is accepted, so that a key can be replaced.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from src.core.errors import BadConfig

if TYPE_CHECKING:
    from src.config.settings import Settings

MIN_KEY_LENGTH = 16


class OtherKey(ValueError):
    """Something is signed by none of the keys; ``advice`` says what to do."""

    advice = "put the key that signed it into FORECAST_SIGNING_KEY, behind the first and a comma"


class Unsigned(OtherKey):
    """Something is not signed although there are keys."""

    advice = "run `python -m mlops.monitoring sign --unsigned` if you trust it"


def signing_keys(settings: Settings) -> tuple[bytes, ...]:
    """The keys, which are separated by commas; none where none is set.

    Raises:
        BadConfig: For a key that is too short to keep anyone out.
    """
    if settings.signing_key is None:
        return ()
    keys = [key.strip().encode() for key in settings.signing_key.get_secret_value().split(",")]
    if any(len(key) < MIN_KEY_LENGTH for key in keys):
        each = "FORECAST_SIGNING_KEY is" if len(keys) == 1 else "A key in FORECAST_SIGNING_KEY is"
        raise BadConfig(
            f"{each} shorter than {MIN_KEY_LENGTH} characters: make one with "
            "`openssl rand -hex 32`."
        )
    return tuple(keys)


def signature(key: bytes, purpose: str, body: bytes) -> bytes:
    """HMAC-SHA256 in hexadecimal; a signature for one purpose is not valid for another."""
    return hmac.new(key, f"{purpose}\n".encode() + body, hashlib.sha256).hexdigest().encode()


def check_signature(path: Path, purpose: str, body: bytes, keys: Sequence[bytes]) -> None:
    """Check that ``path`` holds a signature of ``body`` by one of the keys, if there are any.

    Raises:
        Unsigned: There is no signature.
        OtherKey: It is of none of the keys.
    """
    if not keys:
        return
    try:
        stored = path.read_bytes()
    except FileNotFoundError:
        raise Unsigned("it is not signed, but FORECAST_SIGNING_KEY is set") from None
    if not any(digests_equal(stored, signature(key, purpose, body)) for key in keys):
        raise OtherKey("it is signed by another key")


def sha256(data: bytes) -> str:
    """The digest of some bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def digests_equal(first: str | bytes, second: str | bytes) -> bool:
    """Whether two digests are equal, in a time that does not depend on where they differ."""
    return hmac.compare_digest(_bytes(first), _bytes(second))


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text
