"""Read metric points back; lines that cannot be read are passed over and counted."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import orjson

from src.core.errors import UnreadableFolder
from src.monitoring.metrics.points import Point, day_files


@dataclass(frozen=True)
class History:
    """The points of some time.

    Attributes:
        points: In the order of their times.
        unreadable: Where lines are that are no points, such as ``2026-11-29.jsonl line 17``.
    """

    points: tuple[Point, ...]
    unreadable: tuple[str, ...]


def read_points(
    folder: Path, since: dt.datetime, until: dt.datetime, name: str | None = None
) -> History:
    """The points from ``since`` to ``until``, both included, of one name or of all.

    Raises:
        UnreadableFolder: A file is there and cannot be read.
    """
    first, last = (at.astimezone(dt.UTC).date().isoformat() for at in (since, until))
    points, unreadable = [], []
    try:
        for place, point in _all_points(folder, first, last):
            if point is None:
                unreadable.append(place)
            elif name in {None, point.name} and since <= point.at <= until:
                points.append(point)
    except OSError as error:
        raise UnreadableFolder(folder, error) from error
    return History(tuple(sorted(points, key=lambda point: point.at)), tuple(unreadable))


def _all_points(folder: Path, first: str, last: str) -> Iterator[tuple[str, Point | None]]:
    """Where each line of these days is, and its point; blank lines are left out."""
    for path in day_files(folder):
        if not first <= path.stem <= last:
            continue
        # A file that is gone meanwhile was too old.
        with suppress(FileNotFoundError), path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.isspace():
                    yield f"{path.name} line {number}", _point(line)


def _point(line: bytes) -> Point | None:
    """The point of a line; None where it is not a whole one."""
    try:
        row = orjson.loads(line)
        at, value = dt.datetime.fromisoformat(row["timestamp"]), float(row["value"])
        point = Point(row["name"], value, at, row["tags"])
    except (ValueError, KeyError, TypeError):
        return None
    is_whole = (
        math.isfinite(value)
        and at.utcoffset() is not None
        and isinstance(point.name, str)
        and isinstance(point.tags, dict)
    )
    return point if is_whole else None
