"""Find the price files in a folder, and what else there is."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from src.core.errors import BadInput
from src.data.sources.files.containers.unread import listed_names

if TYPE_CHECKING:
    from src.data.sources.files.containers.unread import Unread

ENDINGS = (
    *(".csv", ".tsv", ".txt", ".json", ".gz", ".zip"),
    *(".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".parquet", ".feather", ".arrow"),
)
_COPY = re.compile(r" ?\((?P<number>\d{1,3})\)(?=\.)")
_EXAMPLES = "*.csv, *.csv.gz, *.zip, *.xlsx, *.parquet or *.json"
NO_PRICE_FILE = "no price files by their names"
_HIDDEN, _NO_FILE, _UNREADABLE = "hidden or temporary", "no files", "they cannot be read"
_SUB_FOLDER = "folders inside: --recursive takes what is in them"
# Of text files those that lie beside data rather than being it.
_DOCUMENTS = re.compile(
    r"(read.?me|licen[cs]e|changelog|disclaimer|notice|terms)\b.*", re.IGNORECASE
)


def is_price_file(name: str) -> bool:
    """Whether a file of this name, in a folder or a zip archive, may be one with prices."""
    lower = name.lower()
    return (
        lower.endswith(ENDINGS)
        and not lower.endswith(".tar.gz")
        and not _is_hidden(name)
        and not _DOCUMENTS.fullmatch(name)
    )


def files_in(folder: Path, unread: Unread, *, recursive: bool) -> list[Path]:
    """The folder's price files by path, also those of folders inside when ``recursive``.

    What else there is, is added to ``unread``.

    Raises:
        BadInput: There is none, or the folder cannot be read.
    """
    files: list[Path] = []
    others: list[str] = []
    has_folders = False
    visited: set[tuple[int, int]] = set()
    pending = [folder]
    while pending:
        current = pending.pop()
        for entry in _entries(current, folder, unread, visited):
            reason = _reason(entry)
            if reason == _SUB_FOLDER and recursive:
                pending.append(Path(entry))
            elif reason is None:
                files.append(Path(entry))
            else:
                has_folders |= reason == _SUB_FOLDER
                others.append(os.path.relpath(entry, folder))
                unread.add(folder, reason, others[-1])
    if not files:
        names = f": it has {listed_names(others)}" if others else ""
        way = "; --recursive takes the files of folders inside" if has_folders else ""
        raise BadInput(f"{folder}: the folder has no price file, such as {_EXAMPLES}{names}{way}.")
    return sorted(files, key=_order)


def _order(path: Path) -> tuple[Path, int]:
    """By name, and a browser's second download, ``prices (1).csv``, behind the first."""
    copy = _COPY.search(path.name)
    if copy is None:
        return path, 0
    return path.with_name(path.name.replace(copy[0], "", 1)), int(copy["number"])


def _entries(
    current: Path, folder: Path, unread: Unread, visited: set[tuple[int, int]]
) -> list[os.DirEntry[str]]:
    """The entries of a folder by name; none of one that was visited, as links may lead back."""
    try:
        status = current.stat()
        identity = (status.st_dev, status.st_ino)
        if identity in visited:
            return []
        visited.add(identity)
        with os.scandir(current) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        if current == folder:
            raise BadInput(
                f"{folder}: the folder could not be read ({error.strerror}): check its rights."
            ) from error
        unread.add(folder, _UNREADABLE, os.path.relpath(current, folder))
        return []


def _reason(entry: os.DirEntry[str]) -> str | None:
    """Why an entry is not read; None for a price file."""
    if _is_hidden(entry.name):
        return _HIDDEN
    try:
        if entry.is_dir():
            return _SUB_FOLDER
        if not is_price_file(entry.name):
            return NO_PRICE_FILE
        return None if entry.is_file() else _NO_FILE
    except OSError:  # a link that leads back to itself
        return _NO_FILE


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "~$")) or name == "__MACOSX"
