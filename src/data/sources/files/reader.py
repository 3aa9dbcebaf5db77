"""Find price files in the given paths, and read and unpack their bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from src.core.errors import BadInput
from src.data.sources.files.containers import archives
from src.data.sources.files.containers.encodings import as_utf8
from src.data.sources.files.containers.folders import NO_PRICE_FILE, files_in, is_price_file
from src.data.sources.files.containers.unread import Unread, listed_names

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True)
class PriceFile:
    """A file to read.

    Attributes:
        path: Where it is.
        folder: The folder in which it was found; None when it was given by its own path.
    """

    path: Path
    folder: Path | None = None

    @property
    def explicit(self) -> bool:
        """Whether it was given by its own path."""
        return self.folder is None


@dataclass(frozen=True)
class Member:
    """A file in a zip archive, by its path there, or a whole file; then its ``name`` is empty.

    ``read`` gives its bytes, unpacked, and raises BadInput.
    """

    name: str
    read: Callable[[], bytes]


@dataclass(frozen=True)
class Content:
    """A file's bytes: ``packed`` as on disk, and what is in it.

    ``unread`` are reasons and names of what is in a zip archive beside price files.
    """

    packed: bytes
    members: tuple[Member, ...]
    unread: tuple[tuple[str, str], ...] = ()


def find_files(
    paths: Iterable[Path], unread: Unread | None = None, *, recursive: bool = False
) -> list[PriceFile]:
    """The price files of these files and folders, each once; raises BadInput.

    What else is in the folders is added to ``unread``. Files of folders inside a folder are taken
    when ``recursive``.
    """
    files: dict[Path, PriceFile] = {}
    passed_over = Unread() if unread is None else unread
    for path in paths:
        for file in _files_at(path, passed_over, recursive=recursive):
            files.setdefault(file.path.resolve(), file)
    return list(files.values())


def _files_at(path: Path, unread: Unread, *, recursive: bool) -> list[PriceFile]:
    if not path.is_dir():
        return [PriceFile(path)]
    return [PriceFile(file, path) for file in files_in(path, unread, recursive=recursive)]


def read_content(path: Path) -> Content:
    """The file, unpacked; raises BadInput without the path in the message."""
    return unpack(read_packed(path))


def read_text(path: Path) -> bytes:
    """The text of a file that is one text, as UTF-8; raises BadInput as ``read_content``."""
    members = read_content(path).members
    if len(members) > 1:
        raise BadInput(f"it has {len(members)} files: unpack it and give one of them.")
    unpacked = members[0].read()
    if unpacked.startswith(archives.ZIP):
        raise BadInput("it is a workbook: save it as CSV.")
    return as_utf8(unpacked)


def unpack(packed: bytes) -> Content:
    """The bytes of a file, unpacked; raises BadInput as ``read_content``."""
    unpacked = archives.gunzip(packed) if packed.startswith(archives.GZIP) else packed
    if not unpacked.strip():
        raise BadInput("it is empty: give a file with prices.")
    if unpacked.startswith((archives.ZIP, archives.EMPTY_ZIP)):
        archive = archives.open_archive(unpacked)
        if not archives.is_workbook(archive):
            return _members_of(packed, archive)
    return Content(packed, (Member("", lambda: unpacked),))


def _members_of(packed: bytes, archive: zipfile.ZipFile) -> Content:
    members: list[Member] = []
    unread: list[tuple[str, str]] = []
    for info in archive.infolist():
        if info.is_dir():
            continue
        path = PurePosixPath(info.filename.replace("\\", "/"))
        if is_price_file(path.name) and "__MACOSX" not in path.parts:
            members.append(Member(str(path), partial(_read_member, archive, info)))
        else:
            unread.append((NO_PRICE_FILE, str(path)))
    if len({member.name for member in members}) < len(members):
        raise BadInput("its zip archive has two files of one name: unpack it first.")
    if not members:
        names = f": it has {listed_names([name for _, name in unread])}" if unread else ""
        raise BadInput(f"its zip archive has no price file{names}.")
    return Content(packed, tuple(members), tuple(unread))


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    unpacked = archives.read_member(archive, info)
    if unpacked.startswith(archives.GZIP):
        unpacked = archives.gunzip(unpacked)
    if not unpacked.strip():
        raise BadInput("it is empty: give a file with prices.")
    if unpacked.startswith(archives.ZIP) and not archives.is_workbook(
        archives.open_archive(unpacked)
    ):
        raise BadInput("it is a zip archive inside another: unpack the outer one first.")
    return unpacked


def read_packed(path: Path) -> bytes:
    """The file's bytes as they are on disk; raises BadInput as ``read_content``."""
    try:
        if path.is_dir():
            raise BadInput("it is a folder: give a file in it.")
        if not path.is_file():  # a device or a pipe may never end
            raise BadInput("no such file: check the path.")
        if path.stat().st_size > archives.LARGEST:
            raise BadInput(archives.too_large())
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"it could not be read ({error.strerror}): check the file.") from error
