"""Share values with the processes of this machine through files, of which arrays are mapped."""

from __future__ import annotations

import fcntl
import mmap
import os
import pickle
import shutil
import tempfile
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

PREFIX = "tcsns-forecast-shared-"
# A folder has another name until it is locked: else another process may find it abandoned.
_UNLOCKED = "tcsns-forecast-new-"
# Arrays begin where the widest instructions of a processor read from.
_ALIGNMENT = 64
# Of how many shared values a process keeps what is not mapped.
_KEPT = 4


@dataclass(frozen=True)
class SharedValue:
    """Where a shared value lies.

    Attributes:
        path: A file with the pickled value, and with its arrays behind that.
        spans: Offset and length in bytes of each of these parts.
    """

    path: str
    spans: tuple[tuple[int, int], ...]


class SharedFiles:
    """A folder of shared values, which no other user can read and which ends with its owner.

    Raises:
        OSError: It cannot be made.
    """

    def __init__(self) -> None:
        _remove_abandoned()
        unlocked = Path(tempfile.mkdtemp(prefix=_UNLOCKED))
        self._lock = _lock(unlocked)
        self._folder = unlocked.rename(
            unlocked.with_name(PREFIX + unlocked.name.removeprefix(_UNLOCKED))
        )
        self._count = 0

    def share(self, value: Any) -> SharedValue:
        """Write a value; its file is removed when nobody has the handle any longer.

        Raises:
            OSError: The disk of temporary files is full.
        """
        buffers: list[pickle.PickleBuffer] = []
        stream = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
        path = self._folder / str(self._count)
        self._count += 1
        spans = _write(path, [memoryview(stream), *(buffer.raw() for buffer in buffers)])
        shared = SharedValue(str(path), spans)
        weakref.finalize(shared, path.unlink, missing_ok=True)
        return shared

    def close(self) -> None:
        """Remove the folder; what is mapped of it can still be read."""
        shutil.rmtree(self._folder, ignore_errors=True)
        os.close(self._lock)


def shared_value(argument: Any) -> Any:
    """The value of an argument that stands for a shared one; any other as it is."""
    if not isinstance(argument, SharedValue):
        return argument
    # The handle itself must not be kept: its file is removed with it.
    return _read(argument.path, argument.spans)


@lru_cache(maxsize=_KEPT)
def _read(path: str, spans: tuple[tuple[int, int], ...]) -> Any:
    with open(path, "rb") as file:
        mapped = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    stream, *buffers = (mapped[start : start + length] for start, length in spans)
    return pickle.loads(stream, buffers=buffers)  # noqa: S301 - written by the process above


def _write(path: Path, parts: Sequence[memoryview]) -> tuple[tuple[int, int], ...]:
    spans = []
    with path.open("xb") as file:
        for part in parts:
            file.write(bytes(-file.tell() % _ALIGNMENT))
            spans.append((file.tell(), part.nbytes))
            file.write(part)
    return tuple(spans)


def _lock(folder: Path) -> int:
    """A lock on a folder, which the system releases when this process ends in any way."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _remove_abandoned() -> None:
    """Remove the folders of this user's processes that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            if folder.lstat().st_uid != os.getuid():
                continue
            lock = _lock(folder)
        except OSError:
            continue
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)
