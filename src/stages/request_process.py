"""Start the command that runs a request, as a process that outlives whoever starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from src.config.settings import PROJECT_ROOT
from src.core.errors import UnwritableFolder

if TYPE_CHECKING:
    from collections.abc import Sequence

REQUESTS = Path("var") / "requests"
COMMAND = "mlops.run_request"


def command_of(request_id: int) -> str:
    """The command that runs a request, for people."""
    return f"python -m {COMMAND} {request_id}"


def log_of(request_id: int) -> Path:
    """Where the output of that command goes, below ``home``."""
    return REQUESTS / f"{request_id}.log"


def start(request_id: int, home: Path, arguments: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    """Start the command, which does nothing where another process has claimed the request.

    Args:
        request_id: Of a request that waits.
        home: Where its output goes.
        arguments: Further ones of the command.

    Raises:
        UnwritableFolder: There is no place for its output.
        OSError: The system starts no process.
    """
    path = home / log_of(request_id)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        output = path.open("ab")
    except OSError as error:
        raise UnwritableFolder(path.parent, error) from error
    with output:
        return subprocess.Popen(  # noqa: S603 - our own command and a number, no shell
            [sys.executable, "-m", COMMAND, str(request_id), *arguments],
            cwd=PROJECT_ROOT,
            env={**os.environ, "FORECAST_HOME": str(home)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # A signal for its starter, such as Ctrl-C, is none for the run.
            start_new_session=True,
        )
