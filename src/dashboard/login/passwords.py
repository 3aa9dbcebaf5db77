"""Hash passwords with scrypt, and slow down whoever tries many of them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import math
import secrets
import threading

VARIABLE = "FORECAST_DASHBOARD__PASSWORD_HASH"
# Work and block size of new hashes, which need 32 MB and a tenth of a second each.
WORK, BLOCK, PARALLEL = 2**15, 8, 1
SALT_BYTES, KEY_BYTES = 16, 32
# What a hash may ask of this machine; the library needs a little more than 128 * WORK * BLOCK.
LARGEST_WORK, MEMORY = 2**18, 512 * 2**20
SCHEME = "scrypt"
# Seconds after the first wrong password, doubled by each further one in a row.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
# Whose wrong passwords are remembered; those who tried longest ago are forgotten first.
MOST_ADDRESSES = 1000


def hash_password(password: str) -> str:
    """Such as ``scrypt$32768$8$1$SALT$KEY``, the last two in base64; with a new salt each time."""
    salt = secrets.token_bytes(SALT_BYTES)
    key = _derive(password, salt, WORK, BLOCK, PARALLEL)
    texts = (base64.b64encode(part).decode() for part in (salt, key))
    return "$".join([SCHEME, str(WORK), str(BLOCK), str(PARALLEL), *texts])


def is_password(password: str, stored: str) -> bool:
    """Whether a hash is that of a password.

    Raises:
        ValueError: The hash is not as ``hash_password`` writes it.
    """
    work, block, parallel, salt, key = _parts(stored)
    return hmac.compare_digest(_derive(password, salt, work, block, parallel), key)


def _parts(stored: str) -> tuple[int, int, int, bytes, bytes]:
    try:
        scheme, *numbers, salt, key = stored.split("$")
        work, block, parallel = map(int, numbers)
        decoded = base64.b64decode(salt, validate=True), base64.b64decode(key, validate=True)
    except (ValueError, binascii.Error):
        raise ValueError("it is no hash of a password") from None
    if scheme != SCHEME or not 1 < work <= LARGEST_WORK or not all(decoded):
        raise ValueError("it is no hash of a password")
    return work, block, parallel, *decoded


def _derive(password: str, salt: bytes, work: int, block: int, parallel: int) -> bytes:
    return hashlib.scrypt(
        password.encode(), salt=salt, n=work, r=block, p=parallel, maxmem=MEMORY, dklen=KEY_BYTES
    )


class Turnstile:
    """Lets passwords be tried one after the other, and after wrong ones only after a pause.

    For all sessions of a process together: a new session is no new start. Addresses are told
    apart, so that nobody's wrong passwords keep another person out.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # By whom: wrong passwords in a row, and when the next try may be; the latest try last.
        self._tries: dict[str, tuple[int, float]] = {}

    def failures(self, address: str) -> int:
        """Wrong passwords in a row from an address."""
        return self._tries.get(_whose(address), (0, 0.0))[0]

    def try_password(self, password: str, stored: str, now: float, address: str) -> float | None:
        """Try a password at ``now``, in seconds of a clock that only goes forward.

        Returns:
            None for the right one; otherwise the seconds until the next may be tried from the
            address. During a pause none is looked at, right or wrong.

        Raises:
            ValueError: The hash is not as ``hash_password`` writes it.
        """
        with self._lock:
            whose = _whose(address)
            failures, next_try = self._tries.get(whose, (0, now))
            if now < next_try:
                return next_try - now
            is_right = is_password(password, stored)
            self._tries.pop(whose, None)
            if is_right:
                return None
            pause = min(math.ldexp(FIRST_PAUSE, failures), LONGEST_PAUSE)
            self._tries[whose] = (min(failures + 1, 1000), now + pause)
            if len(self._tries) > MOST_ADDRESSES:
                del self._tries[next(iter(self._tries))]
            return pause


def _whose(address: str) -> str:
    """An address, or the network of an IPv6 address: who has one has all 2**64 of these."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or f"{int(parsed) >> 64:x}/64")
