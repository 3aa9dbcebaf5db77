"""Run tasks in processes of this machine, each with one thread."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing import active_children, get_context
from threading import Event, Lock, local
from typing import Any, TypeVar

from src.config.threads import one_thread_environment
from src.core.errors import WorkerLost
from src.stages.engine.shared_files import SharedFiles, SharedValue
from src.stages.engine.worker_process import prepare_process, run_task

_Result = TypeVar("_Result")

# A process is replaced after so many tasks: what libraries keep of each must not add up.
TASKS_PER_PROCESS = 64
# So often a task is begun whose process was lost.
ATTEMPTS = 3
# Processes that start have the environment of this one, which is changed for their start.
_starting = Lock()


class ProcessPool:
    """Runs tasks in up to so many processes, started by ``spawn`` when there are tasks for them.

    A thread each waits for a process. (``max_tasks_per_child`` of the standard library's pool does
    not replace them reliably: https://github.com/python/cpython/issues/115634; and where one of its
    processes is lost, it ends the others with their tasks.)
    """

    is_remote = False

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="worker")
        self._of_thread = local()
        self._processes: list[_Process] = []
        self._closing = Event()
        self._files: SharedFiles | None = None

    def submit(self, function: Callable[..., _Result], *args: Any) -> Future[_Result]:
        """See Engine."""
        return self._threads.submit(self._run, function, args)

    def share(self, value: Any) -> SharedValue:
        """See Engine."""
        if self._files is None:
            self._files = SharedFiles()
        return self._files.share(value)

    def close(self) -> None:
        """End the processes with what they are at, of which the futures raise ``WorkerLost``."""
        self._closing.set()
        self._threads.shutdown(wait=False, cancel_futures=True)
        for process in list(self._processes):
            process.stop()
        self._threads.shutdown(wait=True)
        for process in self._processes:
            process.end()
        if self._files is not None:
            self._files.close()

    def _run(self, function: Callable[..., _Result], args: tuple[Any, ...]) -> _Result:
        if not hasattr(self._of_thread, "process"):
            self._of_thread.process = _Process(self._closing)
            self._processes.append(self._of_thread.process)
        process: _Process = self._of_thread.process
        return process.run(function, args)


class _Process:
    """A process for one thread's tasks, replaced when it is lost or has done enough."""

    def __init__(self, closing: Event) -> None:
        self._closing = closing
        self._executor: ProcessPoolExecutor | None = None
        self._pid = 0
        self._tasks = 0

    def run(self, function: Callable[..., _Result], args: tuple[Any, ...]) -> _Result:
        """Run a task, again where its process is lost.

        Raises:
            WorkerLost: Each process that began it was lost, or the pool is closed.
        """
        if self._tasks == TASKS_PER_PROCESS:
            self.end()
        try:
            for _ in range(ATTEMPTS):
                try:
                    return self._started().submit(run_task, function, args).result()
                except BrokenProcessPool:
                    self.end()
                    if self._closing.is_set():
                        break
            raise WorkerLost(ATTEMPTS)
        finally:
            self._tasks += 1

    def stop(self) -> None:
        """Kill the process: it holds nothing that the system does not give back faster."""
        if self._pid:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)

    def end(self) -> None:
        """Let the process end, which has no task."""
        if self._executor is not None:
            self._executor.shutdown(wait=True)
        self._executor, self._pid, self._tasks = None, 0, 0

    def _started(self) -> ProcessPoolExecutor:
        if self._executor is None:
            self._executor = ProcessPoolExecutor(
                1, mp_context=get_context("spawn"), initializer=prepare_process
            )
            with _starting, _environment(one_thread_environment()):
                others = {process.pid for process in active_children()}
                self._executor.submit(os.getpid)
                # Known before it answers: it may have to be killed while it starts.
                new = (p.pid for p in active_children() if p.pid not in others)
                self._pid = next(new, None) or 0
        if self._closing.is_set():
            self.stop()
        return self._executor


@contextmanager
def _environment(changed: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
