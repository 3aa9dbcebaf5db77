"""Find the processes of a server in /proc: a pid in a file alone proves nothing."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from src.db.embedded.client import is_answering
from src.db.embedded.server import EmbeddedServer


def are_visible() -> bool:
    """Whether there is a /proc; without one (macOS) only an answer shows that a server runs."""
    return Path("/proc/self").exists()


def postmaster(server: EmbeddedServer) -> int | None:
    """Return the pid of our server from either of its pid files, if /proc confirms it."""
    for file in server.pid_files:
        try:
            pid = int(file.read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            continue
        if pid > 1 and is_postmaster(server, pid):
            return pid
    return None


def is_postmaster(server: EmbeddedServer, pid: int) -> bool:
    """Whether that process is a PostgreSQL server that was started on our data."""
    if not are_visible():
        return is_answering(server)
    words = _command_line(pid)
    names_it = server.marker in words or str(server.data) in words
    return names_it and _program(words) == "postgres"


def working_in(server: EmbeddedServer) -> Iterator[int]:
    """Find the PostgreSQL processes, servers or their children, that work in our folder."""
    for pid, _, folder in _postgres():
        if _is_data(server, folder):
            yield pid


def orphaned(server: EmbeddedServer) -> Iterator[int]:
    """Find servers that were started on our folder and work in one that was deleted since."""
    for pid, words, folder in _postgres():
        if server.marker in words and not _is_data(server, folder):
            yield pid


def signal_process(pid: int, kind: signal.Signals) -> None:
    """Tell a process to end, which may have ended by now; one that stands still goes on first."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, kind)
        os.kill(pid, signal.SIGCONT)


def _postgres() -> Iterator[tuple[int, list[str], os.stat_result]]:
    """Pid, command line and working folder of each PostgreSQL process that we may look at."""
    for process in Path("/proc").glob("[0-9]*"):
        words = _command_line(int(process.name))
        if _program(words) == "postgres":
            with contextlib.suppress(OSError):
                yield int(process.name), words, (process / "cwd").stat()


def _is_data(server: EmbeddedServer, folder: os.stat_result) -> bool:
    return server.data.exists() and os.path.samestat(folder, server.data.stat())


def _program(words: list[str]) -> str:
    # "/usr/lib/.../postgres" is a postmaster, "postgres: checkpointer" one of its children.
    return Path(words[0].split(":")[0]).name if words else ""


def _command_line(pid: int) -> list[str]:
    try:
        return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).split("\0")
    except OSError:
        return []
