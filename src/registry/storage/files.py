"""Directories and files that outlive a power cut, written by one process at a time."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

# What is being written has this before its name; what a killed writer left has it, too.
ASIDE = ".new-"


def make(folder: Path) -> None:
    """Make a folder and those above it, each durable by name."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in missing:
        sync(path.parent)


def write(path: Path, data: bytes) -> None:
    """Write a new file, its bytes on the disk before this returns."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def make_whole(folder: Path, files: Mapping[str, bytes]) -> None:
    """Make a new folder with these files in it, all on the disk before this returns."""
    folder.mkdir()
    for name, data in files.items():
        write(folder / name, data)
    sync(folder)


def sync(directory: Path) -> None:
    """Make the names in a directory durable, not only the bytes of its files."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One writer at a time. The kernel frees the lock of a killed one, whose leftovers go."""
    with (folder / ".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        sweep(folder)
        yield


def sweep(folder: Path) -> None:
    """Remove what a killed writer left; only for whoever keeps other writers out."""
    for left in folder.glob(f"{ASIDE}*"):
        shutil.rmtree(left) if left.is_dir() else left.unlink()
