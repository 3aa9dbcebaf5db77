"""The version of the code, as artifacts and answers name it, and a hash of its sources."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path

VERSION = "0.1.0"
# Everything that a worker may have to run.
_PROGRAM = (".", "../mlops")


@cache
def source_hash(*packages: str) -> str:
    """A hash of the source files of packages of ``src``: equal for equal code."""
    digest = sha256()
    for package in packages:
        for path in sorted((Path(__file__).parents[1] / package).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def program_hash() -> str:
    """A hash of all that this program may run."""
    return source_hash(*_PROGRAM)
