"""Run a request on this machine, in a process that outlives the page and the dashboard."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from src.core.errors import ForecastError
from src.stages import request_process

if TYPE_CHECKING:
    from src.config.settings import Settings


def runs_here(settings: Settings) -> bool:
    """Whether requests are run by this machine: on the embedded server only, which is ours."""
    return settings.server is None


def start(request_id: int, settings: Settings) -> None:
    """Start the command, which does nothing where another process has claimed the request.

    Raises:
        UnwritableFolder: There is no place for its output.
        ForecastError: The system starts no process.
    """
    try:
        process = request_process.start(request_id, settings.home)
    except OSError as error:
        raise ForecastError(
            f"Request {request_id} is stored, but this machine cannot start a process for it "
            f"({error.strerror}): end other programs, then press “Start it again”, or run "
            f"`{request_process.command_of(request_id)}`."
        ) from error
    # Somebody must take note of its end, or it stays as a zombie.
    threading.Thread(target=process.wait, daemon=True).start()
