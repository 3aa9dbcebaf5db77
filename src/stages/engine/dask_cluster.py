"""Run tasks on the workers of a Dask cluster."""

from __future__ import annotations

import asyncio
import logging
import time
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from functools import partial
from threading import Event, Lock, Thread
from typing import Any, TypeVar

from src.config.version import program_hash
from src.core.errors import ClusterLost, ForecastError, UsageError, WorkerLost, WorkerRefused
from src.stages.engine.worker_process import run_remote_task

_Result = TypeVar("_Result")

# Seconds until a scheduler that does not answer is one that is not there.
CONNECT_SECONDS = 10
# A network may be gone for so long, or all workers; then nobody waits any more.
PATIENCE_SECONDS = 60
_LOOK_SECONDS = 2.0
# A connection without an answer is lost after so long, to the scheduler and between all others.
_TIMEOUTS = {
    "distributed.comm.timeouts.connect": f"{CONNECT_SECONDS}s",
    "distributed.comm.timeouts.tcp": "30s",
}
# Errors that these log are raised as sentences of our own.
_SILENT = ("distributed", "distributed.client", "tornado", "tornado.application")


class DaskCluster:
    """Runs tasks on the workers of the scheduler at ``dask://HOST:PORT``.

    The scheduler gives the tasks of a worker that is lost to others. All have the same version of
    this program as the run, or refuse its tasks.

    Raises:
        UsageError: The package ``distributed`` is not installed, or certificates are missing.
        ClusterLost: No scheduler answers there, or it has no worker.
    """

    is_remote = True

    def __init__(self, address: str) -> None:
        self._address = address
        self._client = _connect(address)
        # Equal tasks are no repetition of each other: they may write.
        self._executor = self._client.get_executor(pure=False)
        self._pending: set[Future[Any]] = set()
        self._lock, self._closing = Lock(), Event()
        self.workers = sum(self._client.nthreads().values())
        if not self.workers:
            self._client.close()
            raise ClusterLost(f"The Dask scheduler at {address} has no worker: start some.")
        self._drops_replicas = False
        self._keep_replicas()
        Thread(target=self._watch, daemon=True).start()

    def submit(self, function: Callable[..., _Result], *args: Any) -> Future[_Result]:
        """See Engine."""
        future: Future[_Result] = Future()
        with self._lock:
            self._pending.add(future)
        try:
            sent = self._executor.submit(run_remote_task, program_hash(), function, *args)
        except Exception as error:
            self._settle(future, error=self._translated(error))
        else:
            sent.add_done_callback(partial(self._pass_on, future))
        return future

    def share(self, value: Any) -> Any:
        """See Engine; each worker has it in its memory."""
        try:
            return self._client.scatter(value, broadcast=True, hash=False)
        except OSError as error:  # or a TimeoutError, which is one
            raise self._lost() from error

    def close(self) -> None:
        """Cancel what is not done, and leave the cluster as it is."""
        self._closing.set()
        with suppress(Exception):
            self._executor.shutdown(wait=False)
        self._disconnect()
        self._fail_pending(self._lost())

    def _disconnect(self) -> None:
        with suppress(Exception):
            if self._drops_replicas and self._client.status == "running":
                self._tell_memory_manager("start")
        with suppress(Exception):
            self._client.close(timeout=CONNECT_SECONDS)

    def _keep_replicas(self) -> None:
        """Have each worker keep what is shared.

        While no task waits for a value, the scheduler's memory manager drops all copies but one,
        which the others would load again for the next tasks, and which could be lost with its
        worker.
        """
        try:
            self._drops_replicas = self._tell_memory_manager("running")
            self._tell_memory_manager("stop")
        except Exception as error:
            self._disconnect()
            raise self._lost() from error

    def _tell_memory_manager(self, method: str) -> Any:
        handler = self._client.scheduler.amm_handler
        return self._client.sync(handler, method=method, callback_timeout=CONNECT_SECONDS)

    def _pass_on(self, future: Future[Any], sent: Future[Any]) -> None:
        if sent.cancelled():
            self._settle(future, error=self._lost())
        elif error := sent.exception():
            self._settle(future, error=self._translated(error))
        else:
            self._settle(future, sent.result())

    def _settle(
        self, future: Future[Any], result: Any = None, error: BaseException | None = None
    ) -> None:
        with self._lock:
            self._pending.discard(future)
        with suppress(InvalidStateError):  # given up before
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

    def _watch(self) -> None:
        """Give up what waits where the scheduler does not answer, or has no worker, for long."""
        seen = time.monotonic()
        while not self._closing.wait(_LOOK_SECONDS):
            if self._client.status == "closed":
                self._fail_pending(self._lost())
            elif self._count_workers():
                seen = time.monotonic()
            elif time.monotonic() - seen > PATIENCE_SECONDS:
                self._fail_pending(self._lost())

    def _count_workers(self) -> int:
        """How many the scheduler has; none where it does not answer."""
        try:
            threads = self._client.sync(
                self._client.scheduler.ncores, callback_timeout=_LOOK_SECONDS
            )
        except Exception:
            return 0
        return len(threads)

    def _fail_pending(self, error: ClusterLost) -> None:
        with self._lock:
            pending = list(self._pending)
        for future in pending:
            self._settle(future, error=error)

    def _lost(self) -> ClusterLost:
        return ClusterLost(
            f"The Dask cluster at {self._address} was lost, or has no worker any more: see to it, "
            "then start the run again, which goes on with what is not done."
        )

    def _translated(self, error: BaseException) -> BaseException:
        """An error of Dask's own as a sentence; those of tasks stand."""
        if isinstance(error, ForecastError):
            return error
        if type(error).__name__ == "KilledWorker":
            _, _, allowed_failures = error.args
            return WorkerLost(allowed_failures + 1)
        missing = _missing_module(error)
        if missing is not None:
            return WorkerRefused(
                f"The Dask cluster at {self._address} cannot load this program (no module "
                f"{missing}): start its scheduler and workers in an environment with the same "
                "version of it."
            )
        return error


def _connect(address: str) -> Any:
    try:
        import dask
        import distributed
    except ModuleNotFoundError as error:
        raise UsageError(
            f"--engine {address} needs the package {error.name}, which is not installed: run "
            "`pip install -e '.[cluster]'`."
        ) from error
    dask.config.set(_TIMEOUTS)
    for name in _SILENT:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    # The bytes of a file are no graph.
    warnings.filterwarnings("ignore", "Sending large graph", UserWarning)
    url = address.replace("dask+", "").replace("dask://", "tcp://")
    certificates = _certificates(address)
    client: Any = distributed.Client
    try:
        asyncio.run(asyncio.wait_for(_greet(url, certificates), CONNECT_SECONDS))
        return client(url, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, TimeoutError) as error:
        raise ClusterLost(
            f"No Dask scheduler answers at {address}: start it, or correct --engine."
        ) from error


def _certificates(address: str) -> Any:
    """What a connection is made with; a client without it would leave a traceback behind."""
    from distributed.security import Security

    security: Any = Security
    try:
        arguments = security().get_connection_args("client")
    except OSError as error:
        raise UsageError(
            f"--engine {address}: the certificates of Dask's configuration cannot be read "
            f"({error})."
        ) from error
    if address.startswith("dask+tls") and arguments.get("ssl_context") is None:
        raise UsageError(
            f"--engine {address} needs certificates: set DASK_DISTRIBUTED__COMM__TLS__CA_FILE and "
            "the other variables of Dask's security."
        )
    return arguments


async def _greet(url: str, certificates: Mapping[str, Any]) -> None:
    """See that a scheduler answers; Dask's client waits without end where another server does."""
    from distributed.comm import core

    connect: Any = core.connect
    connection = await connect(url, timeout=CONNECT_SECONDS, **certificates)
    await connection.close()


def _missing_module(error: BaseException | None) -> str | None:
    """Which module of ours a process did not find, where that is the reason of an error."""
    while error is not None:
        if isinstance(error, ModuleNotFoundError) and error.name:
            return error.name
        error = error.__cause__
    return None
