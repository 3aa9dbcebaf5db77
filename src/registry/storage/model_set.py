"""Sets of files that never change: a folder named by the SHA-256 of the manifest inside.

    <digest>/manifest.json    SHA-256 and size of each file, and whatever else is told of them
    <digest>/manifest.sig     HMAC of the manifest, where a signing key is set
    <digest>/...              the files

What the files mean is nobody's business here.
"""

from __future__ import annotations

import json
import re
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from src.core.errors import BadInput
from src.registry.storage import files as durable
from src.registry.storage.signing import same, sha256, signature

HORIZONS = ("short", "long")
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
DIGEST = re.compile(r"[0-9a-f]{64}")

_TICKER = re.compile(r"[A-Za-z0-9^&=_-][A-Za-z0-9^&=._-]{0,31}")
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_PURPOSE = "set"


def folder_of(root: Path, ticker: str, horizon: str) -> Path:
    """Where the sets of one ticker and horizon are.

    Raises:
        BadInput: For a ticker that cannot be a directory name, or an unknown horizon.
    """
    if not _TICKER.fullmatch(ticker) or ".." in ticker or horizon not in HORIZONS:
        raise BadInput(f"{ticker!r}, {horizon!r} cannot name a model's directory.")
    return root / ticker / horizon


def listed(files: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
    """What a manifest says of each file."""
    return {name: {"sha256": sha256(data), "size": len(data)} for name, data in files.items()}


def place(
    folder: Path, manifest: bytes, files: Mapping[str, bytes], key: bytes | None = None
) -> str:
    """Put a complete, durable set under its final name; returns its digest.

    The caller lets nobody else write to ``folder`` meanwhile. A damaged set of that name is
    replaced, a whole one is left as it is.
    """
    digest = sha256(manifest)
    try:
        verified(folder, digest, key)
    except (OSError, ValueError):
        shutil.rmtree(folder / digest, ignore_errors=True)
    else:
        return digest
    durable.make(folder)
    durable.sweep(folder)
    aside = folder / f"{durable.ASIDE}{uuid.uuid4().hex}"
    signed = {SIGNATURE: signature(key, _PURPOSE, manifest)} if key else {}
    durable.make_whole(aside, {**files, **signed, MANIFEST: manifest})
    aside.rename(folder / digest)
    durable.sync(folder)
    return digest


def verified(folder: Path, digest: str, key: bytes | None = None) -> dict[str, bytes]:
    """Every file of a set with its bytes, checked against the manifest, whose name is the digest.

    Raises:
        ValueError: When something was changed, or is not signed by ``key``.
        OSError: When something is missing.
    """
    if not DIGEST.fullmatch(digest):
        raise ValueError("CURRENT names no set")
    manifest = (folder / digest / MANIFEST).read_bytes()
    if not same(sha256(manifest), digest):
        raise ValueError(f"{MANIFEST} was changed")
    check_signature(folder / digest / SIGNATURE, _PURPOSE, manifest, key)
    files = {MANIFEST: manifest}
    for name, stated in json.loads(manifest)["files"].items():
        files[name] = _file(folder / digest, name, stated)
    return files


def check_signature(path: Path, purpose: str, body: bytes, key: bytes | None) -> None:
    """Raise ValueError unless there is no key, or ``path`` holds the signature of ``body``."""
    if key is None:
        return
    try:
        found = path.read_bytes()
    except FileNotFoundError:
        raise ValueError("it is not signed, but FORECAST_SIGNING_KEY is set") from None
    if not same(found, signature(key, purpose, body)):
        raise ValueError("it is signed by another key")


def _file(directory: Path, name: str, stated: Mapping[str, Any]) -> bytes:
    if not _FILE.fullmatch(name) or name in (MANIFEST, SIGNATURE):
        raise ValueError(f"{MANIFEST} names no file of a set")
    data = (directory / name).read_bytes()
    if len(data) != stated["size"] or not same(sha256(data), stated["sha256"]):
        raise ValueError(f"{name} is not the file that was saved")
    return data
