"""Delete old traces of runs: rows after ``worker.keep_days``, files after ``keep_files_days``."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from src.config import logs
from src.db.queue.retention import delete_old
from src.stages.request_process import REQUESTS

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.db.reconnect import Connection

log = logs.get(__name__)

RUNS = Path("mlops") / "runs"


def delete_old_traces(connection: Connection, settings: Settings, now: dt.datetime) -> int:
    """Delete what is too old at ``now``, an aware time; how many rows, files and folders."""
    worker = settings.worker
    rows = delete_old(connection, now - dt.timedelta(days=worker.keep_days))
    files, before = 0, now - dt.timedelta(days=worker.keep_files_days)
    for path in _old_files(settings.home, before.timestamp()):
        try:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
            files += 1
        except OSError as error:
            log.warning(f"{path} is old and could not be deleted: {error}")
    return sum(rows.values()) + files


def _old_files(home: Path, before: float) -> Iterator[Path]:
    """Logs of requests and folders of runs that were last written before a time."""
    for path in [*(home / REQUESTS).glob("*.log"), *(home / RUNS).glob("[0-9]*")]:
        if path.stat().st_mtime < before:
            yield path
