"""A temporary FORECAST_HOME with a server, in which commands are run and measured."""

from __future__ import annotations

import datetime as dt
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.parts.race import ROOT
from src.db.database import DATA_DIR
from src.db.embedded.lease import acquire

TICKS = os.sysconf("SC_CLK_TCK")
OF_OURS = ("FORECAST_", "PG", "DATABASE_URL", "TICKER", "LOG_LEVEL", "STREAMLIT_")


class CommandFailed(Exception):
    """A command of the product ended with an error; the last line that it wrote."""


@dataclass(frozen=True)
class Usage:
    """What a command took.

    Attributes:
        wall: Seconds.
        client: Cpu seconds of the command and the processes that it started.
        server: Cpu seconds of the database meanwhile.
        peak: The most memory that one process of it had, in MiB.
    """

    wall: float
    client: float
    server: float
    peak: float

    @property
    def cpu(self) -> float:
        """Of client and server together."""
        return self.client + self.server


@dataclass(frozen=True)
class Home:
    """The folder, and the address of its database."""

    folder: Path
    url: str

    def run(
        self,
        arguments: Sequence[str],
        now: dt.datetime | None = None,
        *,
        codes: Collection[int] = (0,),
        **settings: str,
    ) -> Usage:
        """Run ``python -m`` with ``arguments`` in this home; it may end with one of the ``codes``.

        Raises:
            CommandFailed: It ended with another code.
        """
        began, server = time.perf_counter(), self.server_seconds()
        with (self.folder / "output.txt").open("w+") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                cwd=ROOT,
                env=self.environment(now, **settings),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            status, used = _wait_for(process)
            process.returncode = os.waitstatus_to_exitcode(status)
            output.seek(0)
            said = output.read().strip().splitlines() or ["nothing was said"]
        if process.returncode not in codes:
            raise CommandFailed(f"{' '.join(arguments)[:80]}: {said[-1]}")
        return Usage(
            time.perf_counter() - began,
            used.ru_utime + used.ru_stime,
            self.server_seconds() - server,
            used.ru_maxrss / 1024,
        )

    def environment(self, now: dt.datetime | None = None, **settings: str) -> dict[str, str]:
        """Of a command in this home, whatever is set outside."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OF_OURS)}
        kept |= {"FORECAST_HOME": str(self.folder), **settings}
        return kept if now is None else kept | {"FORECAST_NOW": now.isoformat()}

    def server_seconds(self) -> float:
        """The cpu seconds of the server so far, those of connections that have ended included."""
        postmaster = (self.folder / DATA_DIR / "postmaster.pid").read_text().split()[0]
        seconds = 0.0
        for entry in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = entry.read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if entry.parent.name == postmaster:
                seconds += sum(map(int, fields[11:15])) / TICKS
            elif fields[1] == postmaster:
                seconds += sum(map(int, fields[11:13])) / TICKS
        return seconds


def _wait_for(process: subprocess.Popen[bytes]) -> tuple[int, resource.struct_rusage]:
    """The status and the usage of a process, which does not outlive what waits for it."""
    try:
        return os.wait4(process.pid, 0)[1:]
    except BaseException:
        process.terminate()
        process.wait()
        raise


@contextmanager
def temporary_home(parent: Path | None = None) -> Iterator[Home]:
    """A home with its own server, as long as the context lasts."""
    with tempfile.TemporaryDirectory(prefix="benchmark-home-", dir=parent) as folder:
        home = Path(folder)
        with acquire(home / DATA_DIR) as lease:
            yield Home(home, lease.url)
