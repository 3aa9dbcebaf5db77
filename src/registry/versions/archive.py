"""Keep versions on the disk: copies of the live sets of every pool, under one manifest.

    mlops/model_archive/<tag>/version.json    SHA-256 and size of every file below
    mlops/model_archive/<tag>/version.sig     its signature, where keys are set
    mlops/model_archive/<tag>/NSE/short/<digest>/…

Copies, not links: what damages a live file must not damage the archived one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from src.core.errors import one_line
from src.core.model_events import Pair
from src.registry.lifecycle.events import Author
from src.registry.storage import files
from src.registry.storage.artifact import Artifact, CorruptArtifact
from src.registry.storage.artifact_store import ArtifactStore, refuse_old
from src.registry.storage.signing import (
    OtherKey,
    Unsigned,
    check_signature,
    sha256,
    signature,
    signing_keys,
)
from src.registry.versions import manifest
from src.registry.versions.manifest import (
    NoVersion,
    UnusableVersion,
    Version,
    check_tag,
    is_tag,
)

if TYPE_CHECKING:
    from src.config.settings import Settings

ARCHIVE = Path("mlops") / "model_archive"

_PURPOSE = "version"


@dataclass(frozen=True)
class VersionArchive:
    """Versions below ``root``.

    With ``keys`` the first signs, and versions that none of them signed are refused.
    """

    root: Path
    keys: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, settings: Settings) -> VersionArchive:
        """The archive of an installation, with its signing keys.

        Raises:
            BadConfig: For a key that is too short.
        """
        return cls(settings.home / ARCHIVE, signing_keys(settings))

    def has(self, tag: str) -> bool:
        """Whether there is a version of that name."""
        return (self.root / tag).exists()

    def copy_sets(
        self, store: ArtifactStore, live: Mapping[Pair, str]
    ) -> tuple[Path, list[Artifact]]:
        """Copy sets to a new folder with a temporary name.

        The caller is the only writer to ``root``.

        Raises:
            CorruptArtifact: When one of them is damaged or not signed.
        """
        folder = files.temporary_in(self.root)
        files.make_folder(folder)
        copies = ArtifactStore(folder, store.keys)
        return folder, [store.copy(pair, digest, copies) for pair, digest in sorted(live.items())]

    def seal(self, folder: Path, tag: str, author: Author) -> Version:
        """Write the manifest of the sets in a folder, which is complete with it."""
        body = manifest.render(tag, author, manifest.list_files(folder))
        files.write_new(folder / manifest.MANIFEST, body)
        if self.keys:
            signed = signature(self.keys[0], _PURPOSE, body)
            files.write_new(folder / manifest.SIGNATURE, signed)
        files.sync(folder)
        return manifest.parse(tag, body)

    def read(self, tag: str) -> Version:
        """The manifest of a version.

        Raises:
            UsageError: When ``tag`` cannot be one.
            NoVersion: When there is none of that name.
            CorruptArtifact: When it is damaged or not signed.
        """
        check_tag(tag)
        folder = self.root / tag
        if not folder.is_dir():
            raise NoVersion(tag, self.tags())
        # Whatever a damaged or forged manifest raises while it is read, the answer is the same.
        try:
            body = (folder / manifest.MANIFEST).read_bytes()
            check_signature(folder / manifest.SIGNATURE, _PURPOSE, body, self.keys)
            return manifest.parse(tag, body)
        except Exception as error:
            raise _unusable(tag, error) from error

    def check(self, version: Version) -> list[Artifact]:
        """Read every byte of a version, and every set as a model.

        Raises:
            CorruptArtifact: When a file is missing, changed or one too many, or holds no model.
        """
        folder = self.root / version.tag
        try:
            refuse_old(version.files)
            manifest.compare(version.files, manifest.list_files(folder))
            sets = _sets_in(folder)
            return [sets.load(*pair, digest) for pair, digest in sorted(version.sets.items())]
        except Exception as error:
            raise _unusable(version.tag, error) from error

    def restore(self, version: Version, store: ArtifactStore) -> None:
        """Copy the sets of a version to where models are stored; none of them is live by that."""
        sets = _sets_in(self.root / version.tag)
        for pair, digest in version.sets.items():
            sets.copy(pair, digest, store)

    def sign(self, tag: str, trusted: Collection[str] = ()) -> bool:
        """Sign a version with the first key, unless it did already; the caller writes alone.

        Args:
            tag: Of the version.
            trusted: Digests of manifests that may be signed although they are not so far.

        Raises:
            CorruptArtifact: None of the keys signed it so far, or it cannot be read.
        """
        folder = self.root / tag
        try:
            body = (folder / manifest.MANIFEST).read_bytes()
            try:
                check_signature(folder / manifest.SIGNATURE, _PURPOSE, body, self.keys)
            except Unsigned:
                if sha256(body) not in trusted:
                    raise
            signed = signature(self.keys[0], _PURPOSE, body)
            return files.replace(folder / manifest.SIGNATURE, signed, self.root)
        except (OSError, ValueError) as error:
            raise _unusable(tag, error) from error

    def tags(self) -> list[str]:
        """Every version, the newest first; those whose manifest cannot be read come last."""
        if not self.root.is_dir():
            return []
        names = [path.name for path in self.root.iterdir() if path.is_dir() and is_tag(path.name)]
        unsigned = VersionArchive(self.root)
        return sorted(names, key=lambda tag: (*unsigned._made_at(tag), tag), reverse=True)

    def _made_at(self, tag: str) -> tuple[dt.datetime, int]:
        """When a version was made; by the clock of the disk where two were made in one second."""
        try:
            made_at = self.read(tag).made_at
            return made_at, (self.root / tag / manifest.MANIFEST).stat().st_mtime_ns
        except CorruptArtifact:
            return dt.datetime.min.replace(tzinfo=dt.UTC), 0


def _sets_in(folder: Path) -> ArtifactStore:
    """The sets of a version, every byte of which the signature of its manifest covers."""
    return ArtifactStore(folder)


def _unusable(tag: str, error: Exception) -> UnusableVersion:
    why = one_line(error).rstrip(".")
    if isinstance(error, OtherKey):
        return UnusableVersion(tag, why, error.advice)
    return UnusableVersion(tag, why)
