"""Run a request on this machine, in a process that outlives the page and the dashboard."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import BinaryIO

from src.config.settings import PROJECT_ROOT, Settings
from src.core.errors import ForecastError, UnwritableFolder

REQUESTS = Path("var") / "requests"
COMMAND = "mlops.run_request"


def runs_here(settings: Settings) -> bool:
    """Whether requests are run by this machine: on the embedded server only, which is ours."""
    return settings.server is None


def command_of(request_id: int) -> str:
    """The command that runs a request, for people."""
    return f"python -m {COMMAND} {request_id}"


def log_of(request_id: int) -> Path:
    """Where the output of that command goes, below ``home``."""
    return REQUESTS / f"{request_id}.log"


def start(request_id: int, settings: Settings) -> None:
    """Start the command, which does nothing where another process has claimed the request.

    Raises:
        UnwritableFolder: There is no place for its output.
        ForecastError: The system starts no process.
    """
    path = settings.home / log_of(request_id)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        output = path.open("ab")
    except OSError as error:
        raise UnwritableFolder(path.parent, error) from error
    with output:
        try:
            process = _start(request_id, settings.home, output)
        except OSError as error:
            raise ForecastError(
                f"Request {request_id} is stored, but this machine cannot start a process for it "
                f"({error.strerror}): end other programs, then press “Start it again”, or run "
                f"`{command_of(request_id)}`."
            ) from error
    # Somebody must take note of its end, or it stays as a zombie.
    threading.Thread(target=process.wait, daemon=True).start()


def _start(request_id: int, home: Path, output: BinaryIO) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own command and a number, no shell
        [sys.executable, "-m", COMMAND, str(request_id)],
        cwd=PROJECT_ROOT,
        env={**os.environ, "FORECAST_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        # A signal for the dashboard, such as Ctrl-C, is none for the run.
        start_new_session=True,
    )
