"""A Dask scheduler and workers as processes of their own, on 127.0.0.1 or on several hosts."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.conftest import ROOT

_ADDRESS = re.compile(r"tcp://([\d.]+:\d+)")


class Cluster:
    """A scheduler and so many workers, whose output is in ``folder``.

    ``hosts`` are network namespaces for the workers, one each.
    """

    def __init__(
        self,
        folder: Path,
        environments: list[dict[str, str]],
        host: str = "127.0.0.1",
        hosts: list[str] | None = None,
    ) -> None:
        self.folder = folder
        self._hosts = hosts or []
        self.scheduler = self._start("scheduler", {}, "--host", host, "--port", "0")
        self.place = self._wait_for("scheduler", _ADDRESS).group(1)
        self.workers = [
            self._start(
                f"worker{number}",
                environment,
                *("--nthreads", "1", "--no-nanny", "--local-directory", str(folder / str(number))),
            )
            for number, environment in enumerate(environments)
        ]
        for number in range(len(self.workers)):
            self._wait_for(f"worker{number}", re.compile("Registered to"))

    @property
    def address(self) -> str:
        return f"dask://{self.place}"

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.send_signal(signal.SIGKILL)
            process.wait()

    def _start(self, name, environment, *arguments):
        kind = name.rstrip("0123456789")
        where = [] if kind == "scheduler" else [f"tcp://{self.place}"]
        on_host = []
        if where and self._hosts:
            on_host = ["ip", "netns", "exec", self._hosts[int(name[-1])]]
        with (self.folder / name).open("w") as output:
            return subprocess.Popen(
                [
                    *on_host,
                    sys.executable,
                    "-m",
                    "dask",
                    kind,
                    *where,
                    *arguments,
                    "--no-dashboard",
                ],
                cwd=ROOT,
                env={**os.environ, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def _wait_for(self, name, pattern):
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if found := pattern.search((self.folder / name).read_text()):
                return found
            time.sleep(0.05)
        raise AssertionError((self.folder / name).read_text())
