"""Search the log backwards, in blocks, so that its newest lines are there at once."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import orjson

from src.config.logs import BACKUPS, LOG_FILE
from src.dashboard.wording import IST

BLOCK = 256 * 1024
# What is longer than this without an end of line is cut into pieces.
LONGEST_LINE = 2**20
# Characters of a line on screen; a download has all of it.
SHOWN = 1_500
# Each with what is worse.
LEVELS = {
    "All": None,
    "Warnings": (b'"level": "warning"', b'"level": "error"', b'"level": "critical"'),
    "Errors": (b'"level": "error"', b'"level": "critical"'),
}
# Told in another place of the line on screen, or not at all.
_KNOWN = ("event", "exception", "level", "logger", "run_id", "timestamp")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True)
class LogFilter:
    """Which lines are wanted.

    Attributes:
        level: A name of ``LEVELS``.
        text: Contained in the line as it is stored, in whatever case.
        run: Of this run alone; empty for all.
    """

    level: str = "All"
    text: str = ""
    run: str = ""

    def wants(self, line: bytes) -> bool:
        """Whether a line is wanted. One that is no JSON has neither level nor run."""
        marks = LEVELS[self.level]
        if marks is not None and not any(mark in line for mark in marks):
            return False
        if self.run and f'"run_id": {json.dumps(self.run)}'.encode() not in line:
            return False
        if not self.text:
            return True
        # As it stands in a line of JSON, or as it is in a torn one.
        stored = json.dumps(self.text.lower())[1:-1].encode(), self.text.lower().encode()
        lowered = line.lower()
        return any(text in lowered for text in stored)

    def newest_first(self, path: Path) -> Iterator[bytes]:
        """The wanted lines of a file, the last one first."""
        for block in _blocks(path):
            # No line of a block can have what the block does not have.
            if self.wants(block):
                lines = reversed(block.split(b"\n"))
                yield from (line for line in lines if line and self.wants(line))


def log_files(home: Path) -> list[Path]:
    """The log and what was rotated away from it, the newest first; those that are there."""
    newest = home / LOG_FILE
    names = [newest, *(newest.with_name(f"{newest.name}.{n}") for n in range(1, BACKUPS + 1))]
    return [path for path in names if path.is_file()]


def search(home: Path, wanted: LogFilter, most: int) -> list[bytes]:
    """The newest lines that are wanted, so many at most, as they are stored; newest first."""
    lines = (line for path in log_files(home) for line in wanted.newest_first(path))
    return list(islice(lines, most))


def export(home: Path, wanted: LogFilter, most_bytes: int) -> bytes:
    """All wanted lines in the order of the log, the oldest left out where they are too many."""
    chosen: list[bytes] = []
    for path in log_files(home):
        for line in wanted.newest_first(path):
            most_bytes -= len(line) + 1
            if most_bytes < 0:
                return _joined(chosen)
            chosen.append(line)
    return _joined(chosen)


def as_text(line: bytes) -> str:
    """A line for the screen, with its time in India; one that is no JSON as it is."""
    try:
        entry = orjson.loads(line)
        at = dt.datetime.fromisoformat(entry["timestamp"]).astimezone(IST)
        level, event = str(entry["level"]).upper(), str(entry["event"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return _shortened(line.decode("utf-8", "replace"))
    place = str(entry.get("logger", "")).rpartition(".")[2]
    facts = [f"{name}={entry[name]}" for name in entry if name not in _KNOWN]
    error = str(entry.get("exception", "")).strip().rpartition("\n")[2]
    run = str(entry.get("run_id", ""))
    parts = (event, " ".join(facts), f"({error})" if error else "")
    text = "  ".join(filter(None, parts)).replace("\n", " ")
    return _shortened(f"{at.day:2} {at:%b %H:%M:%S}  {level:<8} {place:<14} {run:<15}  {text}")


def _joined(newest_first: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in reversed(newest_first))


def _shortened(text: str) -> str:
    text = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(text):,} characters)"


def _blocks(path: Path) -> Iterator[bytes]:
    """Whole lines of a file, some at a time, the last ones first.

    None of a file that was rotated away meanwhile.
    """
    try:
        file = path.open("rb")
    except OSError:
        return
    with file:
        place, rest = file.seek(0, os.SEEK_END), b""
        while place:
            size = min(BLOCK, place)
            place -= size
            file.seek(place)
            read = file.read(size) + rest
            # The first line may have begun before this block.
            rest, _, lines = read.partition(b"\n")
            if len(rest) > LONGEST_LINE:
                rest, lines = b"", read
            yield lines
        yield rest
