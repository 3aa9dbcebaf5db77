"""End what a run of the suite leaves when it dies: its processes, its server and its small disks.

A process of its own waits until the run has ended, in whatever way, and ends what is left. What is
left all the same, because it was killed as well, is ended by the next run.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[3]
# The name of a disk in the table of mounts is this, then whose it is.
NAME = "forecast-chaos"
SIZE = "400m"
TRIES = 3


def mount(home: Path) -> bool:
    """Mount a small disk that names this process; whether that may be done here."""
    options = ["-o", f"size={SIZE},mode=755", f"{NAME}-{os.getpid()}-{_began(os.getpid())}"]
    command = ["mount", "-t", "tmpfs", *options, str(home)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def start(home: Path) -> subprocess.Popen[bytes]:
    """A process that ends what is left in a home once this one has ended."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.chaos.world.keeper", str(home)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # a Ctrl-C is not for it
    )


def clear(home: Path) -> None:
    """Kill all processes of a home, and unmount what is mounted at or below it."""
    for _ in range(TRIES):
        for process in _processes(home):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
    for path in [path for _, path in _mounts() if path == home or home in path.parents][::-1]:
        subprocess.run(["umount", "-l", str(path)], check=False)


def clear_abandoned() -> None:
    """Do so for the homes of runs that have ended."""
    for name, path in list(_mounts()):
        if name.startswith(f"{NAME}-") and not _is_alive(*name.split("-")[-2:]):
            clear(path)


def _is_alive(pid: str, began: str) -> bool:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return _began(int(pid)) == began
    return False


def _began(pid: int) -> str:
    """When a process began, in ticks since the machine did: no change of the clock moves that."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]


def _processes(home: Path) -> Iterator[psutil.Process]:
    """Processes that were started for a home, and its server with all of its own."""
    for process in psutil.process_iter(["cmdline", "environ"]):
        line, variables = process.info["cmdline"] or [], process.info["environ"] or {}
        is_server = any(word.startswith(f"tcsns.data_directory={home}/") for word in line)
        if variables.get("FORECAST_HOME") == str(home) or is_server:
            with contextlib.suppress(psutil.NoSuchProcess):
                yield from [process, *process.children(recursive=True)]


def _mounts() -> Iterator[tuple[str, Path]]:
    """What is mounted and where, in the order in which it was."""
    for line in Path("/proc/mounts").read_text().splitlines():
        name, path, *_ = line.split(" ")
        yield name, Path(path)


def main() -> None:
    """Wait, then clear the home that is named."""
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)  # a machine that goes down tells everybody
    os.read(sys.stdin.fileno(), 1)
    clear(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
