"""Delete old traces of runs: rows after ``worker.keep_days``, files after ``keep_files_days``."""

from __future__ import annotations

import datetime as dt
import shutil
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
    before = now - dt.timedelta(days=worker.keep_files_days)
    paths = [*(settings.home / REQUESTS).glob("*.log"), *(settings.home / RUNS).glob("[0-9]*")]
    return sum(rows.values()) + sum(_is_deleted(path, before.timestamp()) for path in paths)


def _is_deleted(path: Path, before: float) -> bool:
    """Delete a log, or the folder of a run, that was last written before a time."""
    try:
        if path.stat().st_mtime >= before:
            return False
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    except FileNotFoundError:  # another worker was quicker
        return False
    except OSError as error:
        log.warning(f"{path} is old and could not be deleted: {error}")
        return False
    return True
