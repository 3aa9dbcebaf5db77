"""Unpack gzip data, and list and read the members of zip archives."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib

from src.core.errors import BadInput

# Fifty years of daily bars of the whole exchange are smaller; a gzip bomb is not.
LARGEST = 512 * 1024 * 1024
GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
EMPTY_ZIP = b"PK\x05\x06"
_ENCRYPTED = 1


def gunzip(packed: bytes) -> bytes:
    """The unpacked bytes; raises BadInput."""
    try:
        with gzip.open(io.BytesIO(packed)) as stream:
            unpacked = stream.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"its gzip data is damaged ({error}): download it again.") from error
    if len(unpacked) > LARGEST:
        raise BadInput(too_large())
    return unpacked


def open_archive(content: bytes) -> zipfile.ZipFile:
    """The zip archive; raises BadInput when it is damaged or unpacks beyond ``LARGEST``."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise BadInput(f"its zip data is damaged ({error}): download or save it again.") from error
    if sum(member.file_size for member in archive.infolist()) > LARGEST:
        raise BadInput(too_large())
    return archive


def is_workbook(archive: zipfile.ZipFile) -> bool:
    """Whether a zip archive is a workbook of Excel or LibreOffice."""
    names = set(archive.namelist())
    return any(name.startswith("xl/") for name in names) or {"mimetype", "content.xml"} <= names


def read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """A member's bytes; raises BadInput."""
    if member.flag_bits & _ENCRYPTED:
        raise BadInput("it is protected by a password: unpack it first.")
    try:
        return archive.read(member)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
        raise BadInput(f"its zip data is damaged ({error}): download it again.") from error
    except (NotImplementedError, RuntimeError) as error:
        raise BadInput(f"it is packed in a way that is not known ({error}): unpack it.") from error


def too_large() -> str:
    """Why a file beyond ``LARGEST`` is refused."""
    return f"it is larger than {LARGEST // 2**20} MiB unpacked: split it into smaller files."
