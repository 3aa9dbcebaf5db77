"""One file with a database, models and versions, of which every byte is checked before it is used.

    manifest.json                       what is inside, with SHA-256 and size of each member
    database/public.predictions.copy    the rows of a table, as PostgreSQL's COPY writes them
    models/..., mlops/model_archive/... files, by their places below the home folder

It is a zip file, whose comment is the SHA-256 of all bytes before it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from src.backup.manifest import Manifest, TableCopy, parse
from src.core.errors import BadInput, ForecastError, one_line
from src.db.transfer.catalogue import BLOCK, StoredTable

MANIFEST = "manifest.json"
_DIGEST_SIZE = 64  # of a SHA-256 in hexadecimal
# Rows shrink to a third; zlib's default takes 2.6 times as long for 6 % less.
_EFFORT = 3


class CorruptArchive(ForecastError):
    """An archive that cannot be used.

    Attributes:
        path: Of the archive.
        why: A clause, such as ``it is torn, or was altered``.
    """

    def __init__(self, path: Path, why: str, outcome: str = "") -> None:
        super().__init__(f"The archive {path} cannot be used ({why}): {outcome}use another one.")
        self.path, self.why = path, why


class Writer:
    """Adds members to a new archive; see ``new_archive``."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file = file

    def add_rows(self, table: StoredTable, blocks: Iterable[bytes]) -> TableCopy:
        """Add the rows of a table, each of which ends with a line feed."""
        rows, size, digest = 0, 0, hashlib.sha256()
        name = TableCopy(table, 0, "", 0).member
        with self._file.open(_member(name, zipfile.ZIP_DEFLATED), "w", force_zip64=True) as member:
            for block in blocks:
                rows, size = rows + block.count(b"\n"), size + len(block)
                digest.update(block)
                member.write(block)
        return TableCopy(table, rows, digest.hexdigest(), size)

    def add_file(self, name: str, path: Path) -> dict[str, Any]:
        """Add a file under a name; returns its SHA-256 and size."""
        size, digest = 0, hashlib.sha256()
        # Models and Parquet files are packed already.
        with (
            path.open("rb") as source,
            self._file.open(_member(name, zipfile.ZIP_STORED), "w", force_zip64=True) as member,
        ):
            while block := source.read(BLOCK):
                size += len(block)
                digest.update(block)
                member.write(block)
        return {"sha256": digest.hexdigest(), "size": size}

    def add_manifest(self, manifest: Manifest) -> None:
        """Add the manifest, last of all."""
        self._file.writestr(_member(MANIFEST, zipfile.ZIP_DEFLATED), manifest.to_json())


@contextmanager
def new_archive(path: Path) -> Iterator[Writer]:
    """Write an archive that only its owner can read, durable once the block has ended."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w+b") as file:
        with zipfile.ZipFile(file, "w", compresslevel=_EFFORT) as archive:
            archive.comment = b"0" * _DIGEST_SIZE
            yield Writer(archive)
        digest = _digest(file).encode()
        file.seek(-_DIGEST_SIZE, os.SEEK_END)
        file.write(digest)
        file.flush()
        os.fsync(file.fileno())


class Archive:
    """An archive that can be read; see ``open_archive``."""

    def __init__(self, path: Path, file: zipfile.ZipFile, manifest: Manifest) -> None:
        self.path, self.manifest = path, manifest
        self._file = file

    def rows(self, copy: TableCopy) -> Iterator[bytes]:
        """The rows of a table in blocks."""
        with self._file.open(copy.member) as member:
            while block := member.read(BLOCK):
                yield block

    def extract(self, name: str, target: Path) -> None:
        """Write a file of the archive to a new file, its bytes on the disk before this returns."""
        with self._file.open(name) as member, target.open("xb") as file:
            shutil.copyfileobj(member, file, BLOCK)
            file.flush()
            os.fsync(file.fileno())

    def verify(self) -> None:
        """Read every member; raises CorruptArchive for one that is not what the manifest says."""
        manifest = self.manifest
        try:
            for copy in manifest.tables:
                rows, stated = 0, {"sha256": copy.sha256, "size": copy.size}
                digest, size = hashlib.sha256(), 0
                for block in self.rows(copy):
                    rows, size = rows + block.count(b"\n"), size + len(block)
                    digest.update(block)
                measured = {"sha256": digest.hexdigest(), "size": size}
                if measured != stated or rows != copy.rows:
                    raise ValueError(f"{copy.member} is not what was saved")
            for name, stated_file in manifest.files.items():
                with self._file.open(name) as member:
                    if hashlib.file_digest(member, "sha256").hexdigest() != stated_file["sha256"]:  # type: ignore[arg-type]
                        raise ValueError(f"{name} is not what was saved")
        except (OSError, ValueError, zipfile.BadZipFile, KeyError) as error:
            raise CorruptArchive(self.path, one_line(error)) from error


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """An archive of which every byte is as it was written.

    Raises:
        BadInput: There is no such file, or it cannot be read.
        CorruptArchive: It is torn, was altered, or is no archive.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise BadInput(f"The archive {path} cannot be read ({error.strerror}).") from error
    with file:
        if not _is_whole(file):
            raise CorruptArchive(path, _defect(file))
        try:
            archive = zipfile.ZipFile(file)
            manifest = parse(archive.read(MANIFEST))
            _check_names(archive.namelist(), manifest)
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise CorruptArchive(path, one_line(error)) from error
        with archive:
            yield Archive(path, archive, manifest)


def read_manifest(path: Path) -> Manifest:
    """The manifest alone, for a list: nothing else is read, nor checked.

    Raises:
        CorruptArchive: It has none that can be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return parse(archive.read(MANIFEST))
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise CorruptArchive(path, one_line(error)) from error


def _member(name: str, method: int) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.compress_type = method
    member.external_attr = 0o600 << 16
    return member


def _digest(file: IO[bytes]) -> str:
    """SHA-256 of all bytes but the comment at the end."""
    file.seek(0, os.SEEK_END)
    left, digest = file.tell() - _DIGEST_SIZE, hashlib.sha256()
    file.seek(0)
    while left > 0 and (block := file.read(min(BLOCK, left))):
        left -= len(block)
        digest.update(block)
    return digest.hexdigest()


def _is_whole(file: IO[bytes]) -> bool:
    digest = _digest(file).encode()
    return file.read() == digest


def _defect(file: IO[bytes]) -> str:
    """What is wrong with a file that is not whole."""
    other = "it is another file, no archive of `python -m mlops.backup create`"
    try:
        with zipfile.ZipFile(file) as archive:
            is_ours = MANIFEST in archive.namelist()
    except (OSError, ValueError, zipfile.BadZipFile):
        # The list of members is at the end, which a torn file lacks.
        file.seek(0)
        is_ours = file.read(4) == b"PK\x03\x04"
    return "it is torn, or was altered" if is_ours else other


def _check_names(names: list[str], manifest: Manifest) -> None:
    listed = [MANIFEST, *(table.member for table in manifest.tables), *manifest.files]
    if sorted(names) != sorted(listed):
        raise ValueError("it holds other members than its manifest lists")
    for name in manifest.files:
        if ".." in Path(name).parts or Path(name).is_absolute():
            raise ValueError("it names a file outside of the home folder")
