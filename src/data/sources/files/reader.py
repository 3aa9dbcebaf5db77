"""Find price files in the given paths, and read and unpack their bytes."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from src.core.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# Fifty years of daily bars of the whole exchange are smaller; a gzip bomb is not.
LARGEST = 512 * 1024 * 1024
_ENDINGS = (".csv", ".gz", ".xlsx")
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\x0b\x0c"))


@dataclass(frozen=True)
class PriceFile:
    """A file to read; ``explicit`` when it was given by its own path, not found in a folder."""

    path: Path
    explicit: bool


@dataclass(frozen=True)
class Content:
    """A file's bytes: ``packed`` as on disk, ``unpacked`` as UTF-8 text or as a workbook."""

    packed: bytes
    unpacked: bytes
    is_workbook: bool


def find_files(paths: Iterable[Path]) -> list[PriceFile]:
    """The price files of these files and folders, each once; raises BadInput."""
    files: dict[Path, PriceFile] = {}
    for path in paths:
        for file in _in_folder(path) if path.is_dir() else [PriceFile(path, explicit=True)]:
            files.setdefault(file.path.resolve(), file)
    return list(files.values())


def read_content(path: Path) -> Content:
    """The file, unpacked; raises BadInput without the path in the message."""
    return unpack(read_packed(path))


def unpack(packed: bytes) -> Content:
    """The bytes of a file, unpacked; raises BadInput as ``read_content``."""
    unpacked = _gunzip(packed) if packed.startswith(_GZIP) else packed
    if not unpacked.strip():
        raise BadInput("it is empty: give a file with prices.")
    if unpacked.startswith(_ZIP):
        _check_workbook(unpacked)
        return Content(packed, unpacked, is_workbook=True)
    return Content(packed, _as_utf8(unpacked), is_workbook=False)


def _in_folder(folder: Path) -> list[PriceFile]:
    names = sorted(
        path
        for path in folder.iterdir()
        if path.name.lower().endswith(_ENDINGS)
        and not path.name.lower().endswith(".tar.gz")
        and not path.name.startswith((".", "~$"))
        and path.is_file()
    )
    if not names:
        raise BadInput(f"{folder}: the folder has no price file (*.csv, *.gz or *.xlsx).")
    return [PriceFile(path, explicit=False) for path in names]


def read_packed(path: Path) -> bytes:
    """The file's bytes as they are on disk; raises BadInput as ``read_content``."""
    try:
        if not path.is_file():  # a device or a pipe may never end
            raise BadInput("no such file: check the path.")
        if path.stat().st_size > LARGEST:
            raise BadInput(_too_large())
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"it could not be read ({error.strerror}): check the file.") from error


def _gunzip(packed: bytes) -> bytes:
    try:
        with gzip.open(io.BytesIO(packed)) as stream:
            unpacked = stream.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"its gzip data is damaged ({error}): download it again.") from error
    if len(unpacked) > LARGEST:
        raise BadInput(_too_large())
    return unpacked


def _check_workbook(unpacked: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(unpacked)) as book:
            members = book.infolist()
    except (zipfile.BadZipFile, ValueError) as error:
        raise BadInput(f"its xlsx data is damaged ({error}): save it again.") from error
    if not any(member.filename.startswith("xl/") for member in members):
        raise BadInput("it is a zip archive, not a workbook: unpack it first.")
    if sum(member.file_size for member in members) > LARGEST:
        raise BadInput(_too_large())


def _as_utf8(unpacked: bytes) -> bytes:
    if len(unpacked.translate(None, _CONTROLS)) != len(unpacked):
        raise BadInput("it is binary, not text: give a CSV or xlsx file with prices.")
    try:
        text = unpacked.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = _as_cp1252(unpacked)
    if text.lstrip()[:1] == "<":
        raise BadInput("it is a web page, not prices: download the file itself.")
    return text.replace("\r\n", "\n").replace("\r", "\n").encode()


def _as_cp1252(unpacked: bytes) -> str:
    try:
        return unpacked.decode("cp1252")
    except UnicodeDecodeError:
        raise BadInput("it is neither UTF-8 nor Windows-1252 text: save it as UTF-8.") from None


def _too_large() -> str:
    return f"it is larger than {LARGEST // 2**20} MiB unpacked: split it into smaller files."
