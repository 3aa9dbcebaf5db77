"""Versions on the disk: copies of the live sets of every ticker, under one manifest.

    mlops/model_archive/<tag>/version.json    SHA-256 and size of every file below
    mlops/model_archive/<tag>/version.sig     its signature, where a key is set
    mlops/model_archive/<tag>/TCS.NS/short/<digest>/…

Copies, not links: what damages a live file must not damage the way back.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from pathlib import Path

from src.registry.lifecycle.events import Author
from src.registry.storage import artifact_store, model_set
from src.registry.storage import files as durable
from src.registry.storage.artifact import Artifact
from src.registry.storage.artifact_store import CorruptArtifact
from src.registry.storage.pointer import Pair
from src.registry.storage.signing import signature
from src.registry.versions import manifest as version_file
from src.registry.versions.manifest import NoVersion, Version, check_tag, is_tag

_PURPOSE = "version"


def gather(root: Path, live: Mapping[Pair, str], aside: Path, key: bytes | None) -> list[Artifact]:
    """Copy sets to a new folder, each read whole and understood before it is copied.

    Raises:
        CorruptArtifact: When one of them is damaged or not signed.
    """
    durable.make(aside)
    return [_copied(root, aside, pair, digest, key) for pair, digest in sorted(live.items())]


def seal(aside: Path, tag: str, author: Author, key: bytes | None) -> Version:
    """Write the manifest of the sets in a folder, which is complete with it."""
    body = version_file.written(tag, author, version_file.tree(aside))
    durable.write(aside / version_file.MANIFEST, body)
    if key:
        durable.write(aside / version_file.SIGNATURE, signature(key, _PURPOSE, body))
    durable.sync(aside)
    return version_file.parsed(tag, body)


def new_folder(archive: Path) -> Path:
    """A name aside for a version in the making; the caller holds the archive's lock."""
    return archive / f"{durable.ASIDE}{uuid.uuid4().hex}"


def name_it(aside: Path, tag: str) -> None:
    """Give a sealed folder its name, which makes it a version."""
    aside.rename(aside.parent / tag)
    durable.sync(aside.parent)


def read(archive: Path, tag: str, key: bytes | None = None) -> Version:
    """The manifest of a version.

    Raises:
        UsageError: When ``tag`` cannot be one.
        NoVersion: When there is none of that name.
        CorruptArtifact: When it is damaged or not signed.
    """
    check_tag(tag)
    if not (archive / tag).is_dir():
        raise NoVersion(tag, tags(archive))
    # Whatever a damaged or forged manifest raises on its way in, the answer is the same.
    try:
        body = (archive / tag / version_file.MANIFEST).read_bytes()
        model_set.check_signature(archive / tag / version_file.SIGNATURE, _PURPOSE, body, key)
        return version_file.parsed(tag, body)
    except Exception as error:
        raise _damaged(tag, error) from error


def check(archive: Path, version: Version, key: bytes | None = None) -> list[Artifact]:
    """Read every byte of a version, and every set as a model.

    Raises:
        CorruptArtifact: When a file is missing, changed or one too many, or holds no model.
    """
    folder = archive / version.tag
    try:
        version_file.compare(version.files, version_file.tree(folder))
        return [
            artifact_store.read(model_set.folder_of(folder, *pair), digest, key)
            for pair, digest in sorted(version.sets.items())
        ]
    except Exception as error:
        raise _damaged(version.tag, error) from error


def restore(archive: Path, version: Version, root: Path, key: bytes | None = None) -> None:
    """Put the sets of a version where models are stored, without making any of them live."""
    for pair, digest in version.sets.items():
        _copied(archive / version.tag, root, pair, digest, key)


def tags(archive: Path) -> list[str]:
    """Every version, the newest first; those whose manifest cannot be read come last."""
    if not archive.is_dir():
        return []
    found = [path.name for path in archive.iterdir() if path.is_dir() and is_tag(path.name)]
    return sorted(found, key=lambda tag: (*_age(archive, tag), tag), reverse=True)


def _age(archive: Path, tag: str) -> tuple[dt.datetime, int]:
    """When a version was made; by the clock of the disk where two were made in one second."""
    try:
        made_at = read(archive, tag).made_at
        return made_at, (archive / tag / version_file.MANIFEST).stat().st_mtime_ns
    except CorruptArtifact:
        return dt.datetime.min.replace(tzinfo=dt.UTC), 0


def _copied(source: Path, target: Path, pair: Pair, digest: str, key: bytes | None) -> Artifact:
    folder = model_set.folder_of(source, *pair)
    artifact = artifact_store.read(folder, digest, key)
    files = model_set.verified(folder, digest, key)
    manifest = files.pop(model_set.MANIFEST)
    model_set.place(model_set.folder_of(target, *pair), manifest, files, key)
    return artifact


def _damaged(tag: str, error: Exception) -> CorruptArtifact:
    told = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    return CorruptArtifact(
        f"Version {tag} cannot be used ({told}): nothing was changed, choose another version."
    )
