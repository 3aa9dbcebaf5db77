"""Store sets of files that never change, each in a folder named by the SHA-256 of its manifest.

    <pool>/<horizon>/<digest>/manifest.json    SHA-256 and size of each file, and what they are
    <pool>/<horizon>/<digest>/manifest.sig     HMAC of the manifest, where a signing key is set
    <pool>/<horizon>/<digest>/...              the files

What the files mean does not matter here.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from src.core.errors import BadInput
from src.core.tables import HORIZONS
from src.registry.storage import files as durable
from src.registry.storage.signing import (
    Unsigned,
    check_signature,
    digests_equal,
    sha256,
    signature,
)

MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
DIGEST = re.compile(r"[0-9a-f]{64}")

_POOL = re.compile(r"[A-Za-z0-9^&=_-][A-Za-z0-9^&=._-]{0,31}")
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_PURPOSE = "set"


def folder_of(root: Path, pool: str, horizon: str) -> Path:
    """Where the sets of one pool and horizon are.

    Raises:
        BadInput: For a pool that cannot be a folder name, or an unknown horizon.
    """
    if not _POOL.fullmatch(pool) or ".." in pool or horizon not in HORIZONS:
        raise BadInput(f"{pool!r}, {horizon!r} cannot name the folder of a model.")
    return root / pool / horizon


def canonical_json(value: object) -> bytes:
    """JSON whose bytes are equal for equal values, so that digests are."""
    return json.dumps(value, sort_keys=True, indent=1, allow_nan=False).encode()


def file_list(files: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
    """Digest and size of each file, as a manifest lists them."""
    return {name: {"sha256": sha256(data), "size": len(data)} for name, data in files.items()}


def write(
    folder: Path, manifest: bytes, files: Mapping[str, bytes], keys: Sequence[bytes] = ()
) -> str:
    """Put a complete, durable set under its final name; returns its digest.

    The caller lets nobody else write to ``folder`` meanwhile. A damaged set of that name, or one
    that the first key did not sign, is replaced; another one is left as it is.
    """
    digest = sha256(manifest)
    try:
        read(folder, digest, keys[:1])
    except (OSError, ValueError):
        shutil.rmtree(folder / digest, ignore_errors=True)
    else:
        return digest
    durable.make_folder(folder)
    durable.remove_leftovers(folder)
    temporary = durable.temporary_in(folder)
    signed = {SIGNATURE: signature(keys[0], _PURPOSE, manifest)} if keys else {}
    durable.write_folder(temporary, {**files, **signed, MANIFEST: manifest})
    durable.move_into_place(temporary, digest)
    return digest


def sign(
    folder: Path, digest: str, keys: Sequence[bytes], *, aside: Path, accept_unsigned: bool
) -> bool:
    """Sign a set with the first key, if that did not sign it so far; returns whether it did now.

    Args:
        folder: Of the sets.
        digest: Of the set.
        keys: The first signs; a set that none of them signed is refused.
        aside: A folder of the same disk, where the signature is written first.
        accept_unsigned: Whether a set without a signature may be signed.

    Raises:
        ValueError, OSError: As ``read``.
    """
    try:
        manifest = read(folder, digest, keys)[MANIFEST]
    except Unsigned:
        if not accept_unsigned:
            raise
        manifest = read(folder, digest)[MANIFEST]
    return durable.replace(
        folder / digest / SIGNATURE, signature(keys[0], _PURPOSE, manifest), aside
    )


def read(
    folder: Path, digest: str, keys: Sequence[bytes] = (), names: Collection[str] | None = None
) -> dict[str, bytes]:
    """Files of a set with their bytes, checked against the manifest, whose name is the digest.

    Args:
        folder: Of the sets.
        digest: Of the set.
        keys: One of them must have signed it, if there are any.
        names: Of the files to read, of those that the manifest lists; None for all of them.

    Raises:
        OtherKey: When none of ``keys`` signed it.
        ValueError: When something was changed.
        OSError: When something is missing.
    """
    if not DIGEST.fullmatch(digest):
        raise ValueError(f"{digest!r} is not a digest")
    manifest = (folder / digest / MANIFEST).read_bytes()
    if not digests_equal(sha256(manifest), digest):
        raise ValueError(f"{MANIFEST} was changed")
    check_signature(folder / digest / SIGNATURE, _PURPOSE, manifest, keys)
    files = {MANIFEST: manifest}
    for name, listed in json.loads(manifest)["files"].items():
        if names is None or name in names:
            files[name] = _read_file(folder / digest, name, listed)
    return files


def remove_except(folder: Path, keep: Collection[str]) -> None:
    """Remove the sets in a folder whose digests are not in ``keep``."""
    for path in list(folder.iterdir()):
        if DIGEST.fullmatch(path.name) and path.name not in keep:
            shutil.rmtree(path)


def _read_file(folder: Path, name: str, listed: Mapping[str, Any]) -> bytes:
    if not _FILE.fullmatch(name) or name in (MANIFEST, SIGNATURE):
        raise ValueError(f"{MANIFEST} lists a file of a forbidden name")
    data = (folder / name).read_bytes()
    if len(data) != listed["size"] or not digests_equal(sha256(data), listed["sha256"]):
        raise ValueError(f"{name} is not the file that was saved")
    return data
