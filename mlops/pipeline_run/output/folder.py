"""The folder of one run, ``mlops/runs/{TIMESTAMP}/``.

Its files are complete or not there. A run holds a lock on its folder until it ends, so that the
next one can tell a run that was killed from one at work.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import itertools
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from src.config import logs
from src.core.errors import UnwritableFolder

log = logs.get(__name__)

RUNS = Path("mlops") / "runs"
RESULTS = "results.json"
RUN_ID = re.compile(r"\d{8}_\d{6}(_\d+)?")


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run; its name is the run's id.

    Attributes:
        path: Where it is.
        lock: The open folder whose lock says that the run is at work; None without one.
    """

    path: Path
    lock: int | None = None

    @property
    def run_id(self) -> str:
        """Such as ``20261123_144800``, with ``_2`` behind it for a second run in one second."""
        return self.path.name

    def close(self) -> None:
        """Say that the run has ended."""
        if self.lock is not None:
            os.close(self.lock)

    def write(self, name: str, value: Any) -> None:
        """Write JSON so that a reader sees all of it or none."""
        self.write_text(name, json.dumps(value, indent=2, default=str, allow_nan=False) + "\n")

    def write_text(self, name: str, text: str) -> None:
        """Write a file so that a reader sees all of it or none."""
        temporary = self.path / f".{name}.new"
        try:
            with temporary.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path / name)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise


def new_run_folder(home: Path, now: dt.datetime) -> RunFolder:
    """Create the folder of a run that starts at ``now`` (UTC); two runs never share one.

    Folders of killed runs are removed where they are empty, and say otherwise how the run ended.

    Raises:
        UnwritableFolder: It cannot be created.
    """
    stamp = f"{now:%Y%m%d_%H%M%S}"
    names = itertools.chain([stamp], (f"{stamp}_{attempt}" for attempt in itertools.count(2)))
    try:
        (home / RUNS).mkdir(parents=True, exist_ok=True)
        with _one_at_a_time(home / RUNS):
            _settle_killed_runs(home / RUNS)
            path = next(path for name in names if _create(path := home / RUNS / name))
            return RunFolder(path, _lock(path))
    except OSError as error:
        raise UnwritableFolder(home / RUNS, error) from error


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Let one process create or remove folders at a time."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _lock(folder: Path) -> int | None:
    """The open folder, locked; None where another process holds its lock."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _settle_killed_runs(runs: Path) -> None:
    """Remove what runs without a result left empty, and say of the others that they were killed."""
    for path in sorted(runs.iterdir()):
        if not RUN_ID.fullmatch(path.name) or (path / RESULTS).exists():
            continue
        lock = _lock(path)
        if lock is None:
            continue
        for partial in path.glob(".*.new"):
            partial.unlink()
        if any(path.iterdir()):
            error = "The run was killed: what its finished stages wrote stands, run it again."
            ended = {"pipeline_id": path.name, "status": "failed", "error": error}
            RunFolder(path).write(RESULTS, ended)
            log.warning(f"Run {path.name} was killed before it ended: run it again.")
        else:
            path.rmdir()
            log.warning(f"Run {path.name} was killed before it ended: its empty folder is removed.")
        os.close(lock)


def _create(path: Path) -> bool:
    """Whether this process created the folder; another may have been first."""
    try:
        path.mkdir()
    except FileExistsError:
        return False
    return True
