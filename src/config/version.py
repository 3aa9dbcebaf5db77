"""The version of the code, as artifacts and answers name it, and a hash of its sources."""

from __future__ import annotations

import sys
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

VERSION = "0.1.0"
# Everything that a worker may have to run.
_PROGRAM = (".", "../mlops")
# Libraries whose version decides what it computes; not all need be installed.
_LIBRARIES = ("numpy", "polars", "scikit-learn", "scipy", "lightgbm")


@cache
def source_hash(*packages: str) -> str:
    """A hash of the source files of packages of ``src``: equal for equal code."""
    digest = sha256()
    for package in packages:
        for path in sorted((Path(__file__).parents[1] / package).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def installed_version(library: str) -> str | None:
    """The version of an installed library, None without it."""
    try:
        return version(library)
    except PackageNotFoundError:
        return None


@cache
def program_hash() -> str:
    """A hash of all that decides what this program computes: its sources, Python, libraries."""
    libraries = [installed_version(library) for library in _LIBRARIES]
    text = repr((source_hash(*_PROGRAM), sys.version_info[:2], libraries))
    return sha256(text.encode()).hexdigest()
