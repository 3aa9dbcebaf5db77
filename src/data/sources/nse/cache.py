"""Keep what a server delivered on disk, whole or not at all, and only so many files.

Any number of processes may keep the same file at once: the last one replaces it. What cannot be
kept is asked for again.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

# Files of one server: more than a year of sessions, 70 MB of them.
KEPT_FILES = 400
# Of files that were not finished: as of a process that was killed.
UNFINISHED, UNFINISHED_AFTER = ".part", dt.timedelta(days=1)
ABSENT = ".absent"


@dataclass(frozen=True)
class Kept:
    """What a server answered.

    Attributes:
        packed: The file as delivered; None where the server had none.
        asked_at: When, aware.
    """

    packed: bytes | None
    asked_at: dt.datetime


class Cache:
    """The files of one server in ``folder``; with None nothing is kept.

    Attributes:
        problem: Why files cannot be kept; None while they can.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self.problem: str | None = None

    def read(self, name: str) -> Kept | None:
        """What was kept last under a name."""
        if self._folder is None:
            return None
        for path in (self._folder / name, self._folder / f"{name}{ABSENT}"):
            with contextlib.suppress(OSError):
                with path.open("rb") as file:
                    content = file.read()
                    seconds = os.fstat(file.fileno()).st_mtime
                asked_at = dt.datetime.fromtimestamp(seconds, dt.UTC)
                if path.suffix == ABSENT:
                    return Kept(None, asked_at)
                if content:
                    return Kept(content, asked_at)
        return None

    def write(self, name: str, packed: bytes | None, asked_at: dt.datetime) -> None:
        """Keep what a server answered at a time; None for no such file."""
        if self._folder is None:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if packed is None:
                _replace(self._folder / f"{name}{ABSENT}", b"", asked_at)
            else:
                _replace(self._folder / name, packed, asked_at)
                (self._folder / f"{name}{ABSENT}").unlink(missing_ok=True)
            _delete_old(self._folder, asked_at)
        except OSError as error:
            self.problem = f"NSE's files cannot be kept in {self._folder} ({error.strerror})"

    def newest(self, prefix: str) -> dt.datetime | None:
        """When a file whose name begins so was delivered last; None without any."""
        with contextlib.suppress(OSError):
            if self._folder is not None:
                seconds = [path.stat().st_mtime for path in self._folder.glob(f"{prefix}*")]
                return dt.datetime.fromtimestamp(max(seconds), dt.UTC) if seconds else None
        return None

    def drop(self, name: str) -> None:
        """Forget a file that cannot be read."""
        if self._folder is not None:
            with contextlib.suppress(OSError):
                (self._folder / name).unlink(missing_ok=True)


def _replace(path: Path, content: bytes, at: dt.datetime) -> None:
    """Write a file whole, dated ``at``: a process that is killed leaves the one before."""
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=UNFINISHED)
    try:
        with open(number, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.utime(name, (at.timestamp(), at.timestamp()))
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _delete_old(folder: Path, at: dt.datetime) -> None:
    """Delete the files that were asked for first, beyond those kept, and unfinished ones."""
    dated: list[tuple[float, str]] = []
    for entry in os.scandir(folder):
        with contextlib.suppress(FileNotFoundError):  # another process was quicker
            dated.append((entry.stat().st_mtime, entry.name))
    left_over = (at - UNFINISHED_AFTER).timestamp()
    whole = sorted(each for each in dated if not each[1].endswith(UNFINISHED))
    parts = [each for each in dated if each[1].endswith(UNFINISHED) and each[0] < left_over]
    for _, name in [*whole[: max(0, len(whole) - KEPT_FILES)], *parts]:
        (folder / name).unlink(missing_ok=True)
