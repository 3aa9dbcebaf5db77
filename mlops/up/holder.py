"""Let one `make up` at a time run in a home, and let another process end it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from src.core.errors import BadInput, ForecastError, UnwritableFolder
from src.db.embedded.server import try_lock

LOCK = Path("var") / "up.lock"


class Holder:
    """A locked file, which the kernel frees even after `kill -9`, with who holds it."""

    def __init__(self, home: Path) -> None:
        self._home, self._path = home, home / LOCK

    @contextlib.contextmanager
    def hold(self, addresses: str) -> Iterator[bool]:
        """Hold the home; yields whether the last holder was killed, so may have left something.

        Raises:
            BadInput: Another process holds it.
            UnwritableFolder: The file cannot be written.
        """
        with self._open() as descriptor:
            if not try_lock(descriptor):
                _, there = self._read(descriptor)
                raise BadInput(
                    f"Services of {self._home} run already: use those, or end them with "
                    f"`make down`. {there}."
                )
            was_killed = os.fstat(descriptor).st_size > 0
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n{addresses}\n".encode(), 0)
            try:
                yield was_killed
            finally:
                os.ftruncate(descriptor, 0)

    def stop(self, timeout: float, waiting: str) -> bool:
        """End the process that holds the home; False where there is none.

        Args:
            timeout: Seconds to wait for its end.
            waiting: A sentence for the terminal before that.

        Raises:
            ForecastError: It belongs to somebody else, or does not end.
        """
        if not self._path.exists():
            return False
        with self._open() as descriptor:
            if try_lock(descriptor):
                return False
            pid, _ = self._read(descriptor)
            self._signal(pid)
            sys.stdout.write(f"{waiting}\n")
            sys.stdout.flush()
            deadline = time.monotonic() + timeout
            while not try_lock(descriptor):
                if time.monotonic() > deadline:
                    raise ForecastError(f"Process {pid} does not end: `kill -9 {pid}` ends it.")
                time.sleep(0.05)
        return True

    def _signal(self, pid: int) -> None:
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
        except PermissionError:
            raise ForecastError(
                f"Process {pid} was started by another user, who has to run `make down`."
            ) from None

    @contextlib.contextmanager
    def _open(self) -> Iterator[int]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise UnwritableFolder(self._path.parent, error) from error
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    @staticmethod
    def _read(descriptor: int) -> tuple[int, str]:
        """Pid and addresses of the holder, who writes them just after it has locked the file."""
        deadline = time.monotonic() + 5
        while not (lines := os.pread(descriptor, 4096, 0).decode().splitlines()):
            if time.monotonic() > deadline:
                raise ForecastError("The services are just being started or ended: try again.")
            time.sleep(0.02)
        return int(lines[0]), lines[1]
