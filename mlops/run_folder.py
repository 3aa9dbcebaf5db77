"""``mlops/runs/{TIMESTAMP}/``: one folder a run, its files complete or not there."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from src.core.errors import UnwritableFolder

RUNS = Path("mlops") / "runs"


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run; its name is the run's id."""

    path: Path

    @property
    def run_id(self) -> str:
        """Such as ``20261123_144800``, with ``_2`` behind it for a second run in one second."""
        return self.path.name

    def write(self, name: str, value: Any) -> None:
        """Write JSON so that a reader sees all of it or none."""
        self.write_text(name, json.dumps(value, indent=2, default=str, allow_nan=False) + "\n")

    def write_text(self, name: str, text: str) -> None:
        """Write a file so that a reader sees all of it or none."""
        aside = self.path / f".{name}.new"
        try:
            with aside.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(self.path / name)
        except OSError:
            aside.unlink(missing_ok=True)
            raise


def new_run_folder(home: Path, now: dt.datetime) -> RunFolder:
    """Make the folder of a run that starts at ``now`` (UTC); two runs never share one.

    Raises:
        UnwritableFolder: one sentence naming the folder.
    """
    stamp = f"{now:%Y%m%d_%H%M%S}"
    names = itertools.chain([stamp], (f"{stamp}_{attempt}" for attempt in itertools.count(2)))
    try:
        (home / RUNS).mkdir(parents=True, exist_ok=True)
        return RunFolder(next(path for name in names if _made(path := home / RUNS / name)))
    except OSError as error:
        raise UnwritableFolder(home / RUNS, error) from error


def _made(path: Path) -> bool:
    """Whether this process made the folder; another may have been first."""
    try:
        path.mkdir()
    except FileExistsError:
        return False
    return True
