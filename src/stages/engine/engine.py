"""Say what runs the tasks of a run, and run them in this process."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

_Result = TypeVar("_Result")


class Engine(Protocol):
    """What runs tasks: functions of a module, with arguments and results that can be pickled."""

    @property
    def workers(self) -> int:
        """How many tasks run at a time."""
        ...

    @property
    def is_remote(self) -> bool:
        """Whether tasks may run on other machines, with an environment of their own."""
        ...

    def submit(self, function: Callable[..., _Result], *args: Any) -> Future[_Result]:
        """Have ``function(*args)`` run; a task whose worker was lost is run again elsewhere.

        Its future raises what the function raised, or ``WorkerLost`` for a task that several
        workers were lost with.
        """
        ...

    def share(self, value: Any) -> Any:
        """What may stand among a task's arguments in the place of ``value``.

        The value reaches each worker once, however many tasks have it. Arrays in it may be
        read-only there.
        """
        ...


class InProcess:
    """Runs a task in this process, while it is submitted."""

    workers = 1
    is_remote = False

    def submit(self, function: Callable[..., _Result], *args: Any) -> Future[_Result]:
        """See Engine."""
        future: Future[_Result] = Future()
        try:
            future.set_result(function(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    def share(self, value: Any) -> Any:
        """See Engine."""
        return value


IN_PROCESS = InProcess()
