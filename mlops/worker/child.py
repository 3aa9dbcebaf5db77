"""Run a request in a child process, and end it properly when the worker is to stop."""

from __future__ import annotations

import signal
import subprocess
import time
from typing import TYPE_CHECKING

from src.stages import request_process

if TYPE_CHECKING:
    from pathlib import Path

    from src.config.settings import Settings

# A library may swallow an interrupt: after so many seconds there is another.
AGAIN = 15.0


class ChildRun:
    """A process that runs a request.

    A kill of the worker leaves it alone: it keeps the lock of its request to its end.

    Raises:
        UnwritableFolder: There is no place for its output.
        OSError: The system starts no process.
    """

    def __init__(self, request_id: int, settings: Settings, config: Path | None) -> None:
        self.request_id = request_id
        arguments = ["--config", str(config.resolve())] if config else []
        self._process = request_process.start(request_id, settings.home, arguments)

    @property
    def exit_code(self) -> int | None:
        """How it ended, -N by signal N; None while it works."""
        return self._process.poll()

    def wait(self, seconds: float | None) -> bool:
        """Wait for its end so long at most, None for any time; whether it has ended."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self, seconds: float) -> bool:
        """Interrupt it, so that its row says so; whether it ended in that time, or was killed."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            # The one signal on which a blocked statement returns.
            self._process.send_signal(signal.SIGINT)
            if self.wait(min(AGAIN, left)):
                return True
        self._process.kill()
        self._process.wait()
        return False
