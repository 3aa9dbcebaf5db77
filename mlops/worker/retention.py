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
    outputs = [path for path in (settings.home / REQUESTS).glob("*.log") if _is_old(path, before)]
    # Folders are named by the time at which their run began.
    oldest = f"{before.astimezone(dt.UTC):%Y%m%d_%H%M%S}"
    folders = [path for path in (settings.home / RUNS).glob("[0-9]*") if path.name < oldest]
    return sum(rows.values()) + sum(map(_is_deleted, [*outputs, *folders]))


def _is_old(path: Path, before: dt.datetime) -> bool:
    try:
        return path.stat().st_mtime < before.timestamp()
    except FileNotFoundError:  # another worker was quicker
        return False


def _is_deleted(path: Path) -> bool:
    try:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        log.warning(f"{path} is old and could not be deleted: {error}")
        return False
    return True
