"""Import what most commands import, then be copied for each command that is ordered."""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import warnings
from collections.abc import Sequence

from src.config.threads import configure_threads

# What a run imports, at its start or when it needs it first.
IMPORTED = (
    "adbc_driver_postgresql.dbapi",
    "mlops.pipeline_run.output.forecast_table",
    "mlops.pipeline_run.output.progress",
    "mlops.pipeline_run.output.ticker_table",
    "mlops.pipeline_run.request",
    "mlops.pipeline_run.run",
    "psycopg",
    "src.data.cleaning.stage",
    "src.data.ingest.stage",
    "src.data.sources.select",
    "src.db.tables.records",
    "src.features.features_daily",
    "src.modeling.evaluation.outcomes",
    "src.modeling.serving.stored_models",
    "src.modeling.serving.timeliness",
    "src.modeling.trials.looks",
    "src.modeling.trials.shadow",
    "src.monitoring.drift.record",
    "src.monitoring.metrics.run_points",
    "src.monitoring.quality.record",
    "src.registry.lifecycle.publish",
)
# Bytes of an order at most: its environment is most of it.
ORDER_BYTES = 2**17

# What tells of the end, stdout and stderr; a module, its arguments and its environment.
Order = tuple[Sequence[int], str, list[str], dict[str, str]]


def main() -> None:
    """Import, then be copied for each order, and tell each copy's pid and exit code."""
    configure_threads()
    for name in IMPORTED:
        importlib.import_module(name)
    gc.freeze()  # what is not looked at again is not copied
    # All there are at this point are those of memory allocators, which are prepared for it.
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    ended, wake = socket.socketpair()
    with socket.socket(fileno=int(sys.argv[1])) as orders, ended, wake:
        wake.setblocking(False)
        signal.set_wakeup_fd(wake.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        order = _serve(orders, ended)
    if order:
        _be(*order)


def _serve(orders: socket.socket, ended: socket.socket) -> Order | None:
    """Start copies; an order in a copy of this process, None once nobody can order any more."""
    tell: dict[int, int] = {}
    while True:
        readable, _, _ = select.select([orders, ended], [], [])
        if ended in readable:
            ended.recv(ORDER_BYTES)
            _tell_ends(tell)
        if orders in readable:
            text, files, _, _ = socket.recv_fds(orders, ORDER_BYTES, 3)
            if not text:
                return None
            pid = os.fork()
            if not pid:
                for other in tell.values():
                    os.close(other)
                return files, *json.loads(text)
            tell[pid], *streams = files
            _say(tell[pid], pid)
            for stream in streams:
                os.close(stream)


def _tell_ends(tell: dict[int, int]) -> None:
    while tell:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        _say(tell[pid], os.waitstatus_to_exitcode(status))
        os.close(tell.pop(pid))


def _say(tell: int, number: int) -> None:
    with contextlib.suppress(BrokenPipeError):  # nobody asks any more
        os.write(tell, f"{number}\n".encode())


def _be(
    files: Sequence[int],
    module: str,
    arguments: list[str],
    environment: dict[str, str],
) -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    tell, stdout, stderr = files
    os.dup2(stdout, sys.stdout.fileno())
    os.dup2(stderr, sys.stderr.fileno())
    for file in (tell, stdout, stderr):
        os.close(file)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [module, *arguments]
    # Python warns where a module that is to be run has been imported already.
    if not hasattr(sys.modules.get(module), "__path__"):
        sys.modules.pop(module, None)
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
