"""What happens in a worker: how its process is prepared, and how it runs a task."""

from __future__ import annotations

import os
import pickle
import signal
import socket
from collections.abc import Callable, Sequence
from multiprocessing import parent_process
from multiprocessing.connection import wait
from threading import Thread
from typing import Any, TypeVar

from src.config.version import program_hash
from src.core.errors import TaskFailed, WorkerRefused, one_line
from src.stages.engine.shared_files import shared_value

_Result = TypeVar("_Result")


def prepare_process() -> None:
    """Let a worker end with its parent, which alone handles Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def run_task(function: Callable[..., _Result], args: Sequence[Any]) -> _Result:
    """Call the function with the values of arguments that stand for shared ones.

    Raises:
        TaskFailed: In the place of an error that no other process could read.
    """
    try:
        return function(*map(shared_value, args))
    except Exception as error:
        if (sent := sendable(error)) is error:
            raise
        raise sent from None


def run_remote_task(program: str, function: Callable[..., _Result], *args: Any) -> _Result:
    """Run a task of a run on another machine.

    Args:
        program: ``program_hash`` of the run.
        function: See ``run_task``.
        args: Of the function.

    Raises:
        WorkerRefused: This worker has another version of the program, or of what it computes with.
    """
    if program != program_hash():
        raise WorkerRefused(
            f"The worker {socket.gethostname()} has another version of this program, of Python or "
            "of numpy, polars, scikit-learn, scipy or lightgbm than the run: install the same on "
            "all of them, and start them again."
        )
    return run_task(function, args)


def sendable(error: Exception) -> Exception:
    """The error, or a ``TaskFailed`` in the place of one that no other process could read."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    except Exception:
        return TaskFailed(f"{type(error).__name__}: {one_line(error)}")
    return error


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
