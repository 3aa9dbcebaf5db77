"""Start a command in a process that has imported by then what the command imports.

A run of three stocks spends most of its time on imports, which nothing can go wrong in. The process
is one as a person starts it but for that: with its own command line, home and standard error.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import runpy
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import IO

from tests.chaos.world.keeper import ROOT

# What a run imports when it needs it first.
IMPORTED = (
    "mlops.pipeline_run.run",
    "src.data.cleaning.stage",
    "src.data.ingest.stage",
    "src.features.features_daily",
    "src.modeling.evaluation.outcomes",
    "src.modeling.serving.stored_models",
    "src.modeling.trials.looks",
    "src.modeling.trials.shadow",
    "src.monitoring.drift.record",
    "src.monitoring.quality.record",
)


class ReadyProcess:
    """A process that waits to be told what to do, and does that once."""

    def __init__(self, module: str, environment: Mapping[str, str], stderr: IO[bytes]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", __name__, module],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
        )

    def begin(
        self, arguments: Sequence[str], environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        """Let it begin with arguments, in an environment that replaces what it had of it."""
        order = json.dumps([list(arguments), dict(environment)])
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError), self.process.stdin as pipe:
            pipe.write(f"{order}\n".encode())
        return self.process

    def end(self) -> None:
        """End it, whatever it does."""
        self.process.kill()
        self.process.communicate()


def main() -> None:
    """Import, wait, and be the command that is named."""
    module = sys.argv[1]
    for name in IMPORTED:
        importlib.import_module(name)
    if order := sys.stdin.readline():
        arguments, environment = json.loads(order)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = [module, *arguments]
        runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
