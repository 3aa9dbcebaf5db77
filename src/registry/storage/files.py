"""Write folders and files that survive a power cut, one writer at a time.

What is being written has a temporary name until it is complete; what a killed writer left keeps
that name and is removed by the next writer.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

TEMPORARY = ".new-"


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, each durable by name."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in missing:
        sync(path.parent)


def write_new(path: Path, data: bytes) -> None:
    """Write a new file, its bytes on the disk before this returns."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Make a new folder with these files in it, all on the disk before this returns."""
    folder.mkdir()
    for name, data in files.items():
        write_new(folder / name, data)
    sync(folder)


def replace(path: Path, data: bytes, aside: Path) -> bool:
    """Put a file in the place of another one, durably; returns whether it differs.

    Args:
        path: The file.
        data: What it shall hold.
        aside: A folder of the same disk, in which it is written first.
    """
    if path.exists() and path.read_bytes() == data:
        return False
    temporary = temporary_in(aside)
    write_new(temporary, data)
    temporary.replace(path)
    sync(path.parent)
    return True


def sync(folder: Path) -> None:
    """Make the names in a folder durable, not only the bytes of its files."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def temporary_in(folder: Path) -> Path:
    """A temporary name for something new in a folder."""
    return folder / f"{TEMPORARY}{uuid.uuid4().hex}"


def move_into_place(temporary: Path, name: str) -> None:
    """Give what was completed under a temporary name its own name, durably."""
    temporary.rename(temporary.parent / name)
    sync(temporary.parent)


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Keep other writers out of a folder, which is made, and remove what killed ones left in it.

    The kernel frees the lock of a writer that was killed.
    """
    make_folder(folder)
    with (folder / ".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        remove_leftovers(folder)
        yield


def remove_leftovers(folder: Path) -> None:
    """Remove what a killed writer left; only for whoever keeps other writers out."""
    for path in folder.glob(f"{TEMPORARY}*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
