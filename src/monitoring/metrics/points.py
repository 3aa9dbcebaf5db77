"""Write metric points as JSON lines, a file a day, from any number of processes at once.

A point is one line and is appended by one call of the system, so that lines of several processes
never mix. A process that is killed within that call leaves the beginning of its line; the next
point then starts on a line of its own.
"""

from __future__ import annotations

import datetime as dt
import errno
import json
import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from src.core.errors import BadInput, UnwritableFolder

if TYPE_CHECKING:
    from src.config.settings import Settings

FOLDER = Path("mlops") / "metrics"
FILE = re.compile(r"(\d{4}-\d{2}-\d{2})\.jsonl")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,99}")
# Characters of a line: a page of memory, so that the system hardly ever writes it in two steps.
LONGEST = 4000


@dataclass(frozen=True)
class Point:
    """A measured number.

    Attributes:
        name: What was measured, with its unit where it has one: ``run_seconds``.
        value: Finite.
        tags: Tell apart what is measured by one name.
        at: When; an aware time.
    """

    name: str
    value: float
    at: dt.datetime
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class MetricsFolder:
    """The files of metrics of one home.

    Attributes:
        path: The folder.
        keep_days: Files of days that are longer ago are deleted.
    """

    path: Path
    keep_days: int

    @classmethod
    def of(cls, settings: Settings) -> MetricsFolder:
        """That of the settings."""
        return cls(settings.home / FOLDER, settings.monitoring.keep_metrics_days)

    def write(self, points: Iterable[Point]) -> None:
        """Append points; the first point of a day also deletes the files that are too old.

        Raises:
            BadInput: A point cannot be a metric; those before it are written.
            UnwritableFolder: The folder cannot be written.
        """
        for point in points:
            if _append(self.path, point):
                prune(self.path, point.at.astimezone(dt.UTC).date(), self.keep_days)


def write_point(
    folder: Path, name: str, value: float, tags: Mapping[str, object] | None, at: dt.datetime
) -> None:
    """Append one point to the file of its day (UTC) in ``folder``, which is made if need be.

    Raises:
        BadInput: It cannot be a metric.
        UnwritableFolder: The folder cannot be written.
    """
    _append(folder, make_point(name, value, tags, at))


def make_point(
    name: str, value: float, tags: Mapping[str, object] | None, at: dt.datetime
) -> Point:
    """The point of a measurement; tags are turned into text.

    Raises:
        BadInput: The name is none, the value is not a finite number, or the time has no zone.
    """
    if not (isinstance(name, str) and NAME.fullmatch(name)):
        raise BadInput(
            f"{name!r} cannot name a metric: use letters, digits and _ . : - (up to 100, no digit "
            "first), such as model_r2_score."
        )
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise BadInput(f"The metric {name} cannot be {value!r}: give a finite number.")
    if at.utcoffset() is None:
        raise BadInput(f"The time {at} of the metric {name} has no zone: give one in UTC.")
    return Point(name, number, at, {str(key): str(text) for key, text in (tags or {}).items()})


def prune(folder: Path, today: dt.date, keep_days: int) -> list[Path]:
    """Delete the files of days more than ``keep_days`` before ``today``; other files are left."""
    first = (today - dt.timedelta(days=keep_days)).isoformat()
    old = [path for path in day_files(folder) if path.stem < first]
    for path in old:
        path.unlink(missing_ok=True)
    return old


def day_files(folder: Path) -> list[Path]:
    """The files of metrics, the oldest first; their names are their days."""
    names = os.listdir(folder) if folder.is_dir() else []
    return [folder / name for name in sorted(names) if FILE.fullmatch(name)]


def _append(folder: Path, point: Point) -> bool:
    """Append a point; whether it is the first of its day."""
    line = _line(point)
    path = folder / f"{point.at.astimezone(dt.UTC).date()}.jsonl"
    try:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND)
        except FileNotFoundError:
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            size = os.fstat(descriptor).st_size
            is_torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            data = b"\n" + line if is_torn else line
            if os.write(descriptor, data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(descriptor)
    except OSError as error:
        raise UnwritableFolder(folder, error) from error
    return size == 0


def _line(point: Point) -> bytes:
    text = json.dumps(
        {
            "timestamp": point.at.astimezone(dt.UTC).isoformat(timespec="microseconds"),
            "name": point.name,
            "value": point.value,
            "tags": dict(point.tags),
        },
        separators=(",", ":"),
    )
    if len(text) > LONGEST:
        raise BadInput(f"The metric {point.name} has too long tags: shorten them.")
    return f"{text}\n".encode()
