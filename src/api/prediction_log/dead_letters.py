"""Set forecasts aside that the table refuses, with the reason, for a person to look at.

    var/forecasts/<database>.refused.jsonl    of all services of one database; a line each

A line is a line of the spool with two more values: renamed to ``<database>-again.jsonl``, the file
is read as a spool by the next service, which tries once more.
"""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import orjson

from src.api.prediction_log.spool import Row

SUFFIX = ".refused.jsonl"


class DeadLetters:
    """The file of one database below ``folder``."""

    def __init__(self, folder: Path, database: str) -> None:
        self.path = folder / f"{database}{SUFFIX}"
        self._counted = (0, 0)  # bytes of the file, and forecasts in them

    def add(self, row: Row, reason: str, at: dt.datetime) -> bool:
        """Append a row of ``predictions`` that was refused at a time; False where that failed."""
        # The line break in front protects the row from one that a full disk cut short.
        line = b"\n%b\n" % orjson.dumps({**row, "refused_at": at, "reason": reason})
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                written = os.write(file, line)
            finally:
                os.close(file)
        except OSError:
            return False  # it stays in the queue, of which /health tells
        return written == len(line)

    def count(self) -> int:
        """Number of forecasts in the file; 0 once somebody has moved it away."""
        try:
            size = self.path.stat().st_size
            if size != self._counted[0]:
                lines = self.path.read_bytes().splitlines()
                self._counted = size, sum(map(bool, lines))
        except OSError:
            return 0
        return self._counted[1]
