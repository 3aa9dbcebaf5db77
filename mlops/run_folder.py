"""``mlops/runs/{TIMESTAMP}/``: one folder a run, its files complete or not there."""

from __future__ import annotations

import datetime as dt
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
        aside = self.path / f".{name}.new"
        with aside.open("w", encoding="utf-8") as file:
            json.dump(value, file, indent=2, default=str, allow_nan=False)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        aside.replace(self.path / name)


def new_run_folder(home: Path, now: dt.datetime) -> RunFolder:
    """Make the folder of a run that starts at ``now`` (UTC); two runs never share one."""
    stamp = f"{now:%Y%m%d_%H%M%S}"
    (home / RUNS).mkdir(parents=True, exist_ok=True)
    attempt = 1
    while True:
        path = home / RUNS / (stamp if attempt == 1 else f"{stamp}_{attempt}")
        try:
            path.mkdir()
        except FileExistsError:
            attempt += 1
        else:
            return RunFolder(path)
