"""Forecasts that wait for the log, on the disk as well: a killed service leaves them to the next.

    var/forecasts/<database>-<random>.jsonl    of one process, which holds its lock; a line each

What the kernel has taken outlives the process. It may not outlive a power cut: waiting for the
disk would cost each new forecast some milliseconds.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import hashlib
import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

from src.config import logs

Row = Mapping[str, Any]

FOLDER = Path("var") / "forecasts"
SUFFIX = ".jsonl"

log = logs.get(__name__)


def database_name(url: str | None) -> str:
    """What tells the journals of one database from those of another; None is the embedded one."""
    if url is None:
        return "embedded"
    parts = urlsplit(url)
    # Without who asks; a port that is none is told by whoever connects.
    place = f"{parts.netloc.rpartition('@')[2]}{parts.path}?{parts.query}"
    return hashlib.sha256(place.encode()).hexdigest()[:12]


class Journal:
    """The journal of this process below ``folder``; for one thread at a time.

    Attributes:
        failures: Forecasts that could not be written down, as on a full disk.
    """

    def __init__(self, folder: Path, database: str) -> None:
        self._folder, self._database = folder, database
        self._path = folder / f"{database}-{uuid.uuid4().hex}{SUFFIX}"
        self._file: int | None = None
        self.failures = 0

    def add(self, row: Row) -> bool:
        """Write a row of ``predictions`` down; where that fails it is only counted."""
        try:
            if self._file is None:
                self._file = _created(self._path)
            # A line that a full disk cut short does not take the next one with it.
            line = b"\n%b\n" % orjson.dumps(row)
            if os.write(self._file, line) == len(line):
                return True
        except OSError as error:
            if not self.failures:
                log.warning(f"Forecasts wait for the log in memory only: {error}")
        self.failures += 1
        return False

    def clear(self) -> None:
        """Forget what was written down: all of it is in the log."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, 0)

    def close(self) -> None:
        """Leave; what is not in the log stays for the next service."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                if os.fstat(self._file).st_size == 0:
                    self._path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = None

    def adopt(self) -> list[Row]:
        """What services of the same database left that did not live to log it: ours from now on."""
        found: list[Row] = []
        for path in sorted(self._folder.glob(f"{self._database}-*{SUFFIX}")):
            with contextlib.suppress(OSError):
                found += self._adopted(path)
        return found

    def _adopted(self, path: Path) -> list[Row]:
        if path == self._path:
            return []
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return []  # its service lives
            rows = _rows(file.read())
            if all(self.add(row) for row in rows):
                path.unlink(missing_ok=True)
        return rows


def _created(path: Path) -> int:
    """A new file that is locked before others can see it under its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".new")
    file = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
    fcntl.flock(file, fcntl.LOCK_EX)
    aside.rename(path)
    return file


def _rows(data: bytes) -> list[Row]:
    """The rows of a journal; a line that was cut short is none."""
    rows = []
    for line in data.splitlines():
        with contextlib.suppress(ValueError, KeyError, TypeError):
            rows.append(_row(orjson.loads(line)))
    return rows


def _row(told: dict[str, Any]) -> Row:
    return {
        **told,
        "feature_date": dt.date.fromisoformat(told["feature_date"]),
        "target_date": dt.date.fromisoformat(told["target_date"]),
        "made_at": dt.datetime.fromisoformat(told["made_at"]),
    }
