"""Keep forecasts that wait to be logged on disk, so that a killed service leaves them to the next.

    var/forecasts/<database>-<random>.jsonl    of one process, which holds its lock; a line each

What the kernel has accepted outlives the process. It may not outlive a power failure: waiting for
the disk would cost each new forecast some milliseconds.
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
    """A name that the spool files of one database share; None is the embedded database."""
    if url is None:
        return "embedded"
    parts = urlsplit(url)
    # Without the user. A port that is no number is reported when the service connects.
    address = f"{parts.netloc.rpartition('@')[2]}{parts.path}?{parts.query}"
    return hashlib.sha256(address.encode()).hexdigest()[:12]


class Spool:
    """The spool file of this process below ``folder``; for one thread at a time.

    Attributes:
        failures: Forecasts that could not be written, as on a full disk.
    """

    def __init__(self, folder: Path, database: str) -> None:
        self._folder, self._database = folder, database
        self._path = folder / f"{database}-{uuid.uuid4().hex}{SUFFIX}"
        self._file: int | None = None
        self.failures = 0

    def add(self, row: Row) -> bool:
        """Append a row of ``predictions``; a failure is only counted."""
        try:
            if self._file is None:
                self._file = _create_locked(self._path)
            # The line break in front protects the row from one that a full disk cut short.
            line = b"\n%b\n" % orjson.dumps(row)
            if os.write(self._file, line) == len(line):
                return True
        except OSError as error:
            if not self.failures:
                log.warning(f"Forecasts waiting to be logged are kept in memory only: {error}")
        self.failures += 1
        return False

    def clear(self) -> None:
        """Remove all rows: they are in the database."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, 0)

    def close(self) -> None:
        """Close the file; rows that are not in the database stay for the next service."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                if os.fstat(self._file).st_size == 0:
                    self._path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = None

    def recover(self) -> list[Row]:
        """Rows that services of the same database left behind; they move to this spool."""
        rows: list[Row] = []
        for path in sorted(self._folder.glob(f"{self._database}-*{SUFFIX}")):
            with contextlib.suppress(OSError):
                rows += self._recover_file(path)
        return rows

    def _recover_file(self, path: Path) -> list[Row]:
        if path == self._path:
            return []
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return []  # its service is still running
            rows = _parse_rows(file.read())
            if all(self.add(row) for row in rows):
                path.unlink(missing_ok=True)
        return rows


def _create_locked(path: Path) -> int:
    """A new file that is locked before other processes can see it under its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
    fcntl.flock(file, fcntl.LOCK_EX)
    temporary.rename(path)
    return file


def _parse_rows(data: bytes) -> list[Row]:
    """The rows of a spool file, without lines that were cut short."""
    rows = []
    for line in data.splitlines():
        with contextlib.suppress(ValueError, KeyError, TypeError):
            rows.append(_parse_row(orjson.loads(line)))
    return rows


def _parse_row(values: dict[str, Any]) -> Row:
    return {
        **values,
        "feature_date": dt.date.fromisoformat(values["feature_date"]),
        "target_date": dt.date.fromisoformat(values["target_date"]),
        "made_at": dt.datetime.fromisoformat(values["made_at"]),
    }
