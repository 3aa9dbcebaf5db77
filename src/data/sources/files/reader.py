"""Price files: paths come in, their unpacked bytes go out, whatever the packing."""

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
    """A file to read; ``picked`` when it was given by its own path, not found in a folder."""

    path: Path
    picked: bool


@dataclass(frozen=True)
class Content:
    """A file's bytes: ``stored`` as on disk, ``plain`` as UTF-8 text or as a workbook."""

    stored: bytes
    plain: bytes
    is_workbook: bool


def find_files(paths: Iterable[Path]) -> list[PriceFile]:
    """The price files of these files and folders, each once; raises BadInput."""
    found: dict[Path, PriceFile] = {}
    for path in paths:
        for file in _in_folder(path) if path.is_dir() else [PriceFile(path, picked=True)]:
            found.setdefault(file.path.resolve(), file)
    return list(found.values())


def read_content(path: Path, largest: int = LARGEST) -> Content:
    """The file, unpacked; raises BadInput without the path in the message."""
    stored = _stored(path, largest)
    plain = _gunzip(stored, largest) if stored.startswith(_GZIP) else stored
    if not plain.strip():
        raise BadInput("it is empty: give a file with prices.")
    if plain.startswith(_ZIP):
        _check_workbook(plain, largest)
        return Content(stored, plain, is_workbook=True)
    return Content(stored, _as_utf8(plain), is_workbook=False)


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
        raise BadInput(
            f"{folder}: the folder holds no price file: put *.csv, *.gz or *.xlsx there."
        )
    return [PriceFile(path, picked=False) for path in names]


def _stored(path: Path, largest: int) -> bytes:
    try:
        if not path.is_file():  # a device or a pipe may never end
            raise BadInput("there is no such file: check the path.")
        if path.stat().st_size > largest:
            raise BadInput(_too_large(largest))
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"it could not be read ({error.strerror}): check the file.") from error


def _gunzip(stored: bytes, largest: int) -> bytes:
    try:
        with gzip.open(io.BytesIO(stored)) as packed:
            plain = packed.read(largest + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"its gzip data is damaged ({error}): download it again.") from error
    if len(plain) > largest:
        raise BadInput(_too_large(largest))
    return plain


def _check_workbook(plain: bytes, largest: int) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(plain)) as book:
            members = book.infolist()
    except (zipfile.BadZipFile, ValueError) as error:
        raise BadInput(f"its xlsx data is damaged ({error}): save it again.") from error
    if not any(member.filename.startswith("xl/") for member in members):
        raise BadInput("it is a zip archive and no workbook: unpack it first.")
    if sum(member.file_size for member in members) > largest:
        raise BadInput(_too_large(largest))


def _as_utf8(plain: bytes) -> bytes:
    if len(plain.translate(None, _CONTROLS)) != len(plain):
        raise BadInput("it is binary, not text: give a CSV or xlsx file with prices.")
    try:
        text = plain.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = _as_cp1252(plain)
    if text.lstrip()[:1] == "<":
        raise BadInput("it is a web page, not prices: download the file itself.")
    return text.replace("\r\n", "\n").replace("\r", "\n").encode()


def _as_cp1252(plain: bytes) -> str:
    try:
        return plain.decode("cp1252")
    except UnicodeDecodeError:
        raise BadInput("it is neither UTF-8 nor Windows text: save it as UTF-8.") from None


def _too_large(largest: int) -> str:
    return f"it holds more than {largest // 2**20} MiB unpacked: split it into smaller files."
