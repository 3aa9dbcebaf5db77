"""Start runs as copies of a process that has imported what a run imports.

A run of three stocks spends most of its time on imports, which nothing can go wrong in. It is one
as a person starts it but for that: with its own process, session, environment and standard error.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import runpy
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import IO

from tests.chaos.world.keeper import ROOT

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


class Run:
    """A run that has been started, in the words of ``subprocess.Popen``."""

    def __init__(self, pid: int, told: IO[bytes]) -> None:
        self.pid, self._told = pid, told
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._read(0)

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has ended.

        Raises:
            subprocess.TimeoutExpired: It has not after so many seconds.
        """
        code = self._read(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0)
        return code

    def kill(self) -> None:
        """Kill it."""
        self._signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self._signal(signal.SIGTERM)

    def _signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _read(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._told], [], [], timeout)[0]:
            self.returncode = int(self._told.readline())
        return self.returncode


class Starter:
    """Starts one run after another of the module that it is given."""

    def __init__(self, module: str, environment: Mapping[str, str], stderr: IO[bytes]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, module],
            cwd=ROOT,
            env=environment,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )
        self.pid = self._process.pid

    def start(self, arguments: Sequence[str], environment: Mapping[str, str]) -> Run:
        """Start a run with arguments, once the one before has ended, in an environment."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = json.dumps([list(arguments), dict(environment)])
        self._process.stdin.write(f"{order}\n".encode())
        return Run(int(self._process.stdout.readline()), self._process.stdout)

    def end(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


def main() -> None:
    """Import, then be copied for each order that is read, and tell each copy's pid and end."""
    module = sys.argv[1]
    for name in IMPORTED:
        importlib.import_module(name)
    for order in sys.stdin:
        if pid := os.fork():
            print(pid, flush=True)
            _, status = os.waitpid(pid, 0)
            print(os.waitstatus_to_exitcode(status), flush=True)
        else:
            _be(module, *json.loads(order))
            return


def _be(module: str, arguments: list[str], environment: dict[str, str]) -> None:
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, sys.stdin.fileno())
    os.dup2(nothing, sys.stdout.fileno())
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
