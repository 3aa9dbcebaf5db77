"""Start commands as copies of a process that has imported what most commands import.

A command on a few stocks spends most of its time on imports. A copy is what a person starts but for
these: a process of its own, with its own arguments, environment, session and streams. What chance
decides when Python begins, such as the order of sets, is the same in all copies.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support import copies

ROOT = Path(__file__).resolve().parents[2]
# Seconds that a command which is no longer wanted has to end by itself.
GRACE = 5.0


class Started:
    """A command that has been started, in the words of ``subprocess.Popen``."""

    def __init__(self, told: int) -> None:
        self._told = os.fdopen(told, "rb", buffering=0)
        self.returncode: int | None = None
        self.pid = self._number()

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
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
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
            self.returncode = self._number()
            self._told.close()
        return self.returncode

    def _number(self) -> int:
        line = self._told.readline()
        if not line:
            self._told.close()
            raise StarterEnded
        return int(line)


class StarterEnded(Exception):
    """The process that starts commands has ended."""


class Starter:
    """Starts commands; several may run at a time.

    Args:
        environment: Of the process that is copied.
        name: A word of its command line, by which its copies can be found.
    """

    def __init__(self, environment: Mapping[str, str], name: str = "") -> None:
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", copies.__name__, str(theirs.fileno()), name],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                # Pipes, as those of its copies: Python notes what a stream can do when it begins.
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self.pid = self._process.pid

    def start(
        self,
        module: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        *,
        stdout: int,
        stderr: int,
    ) -> Started:
        """Start ``python -m module`` with arguments, in an environment and a session of its own."""
        order = json.dumps([module, list(arguments), dict(environment)])
        told, tell = os.pipe()
        try:
            socket.send_fds(self._orders, [order.encode()], [tell, stdout, stderr])
            os.close(tell)
            return Started(told)
        except (BrokenPipeError, StarterEnded) as error:
            raise StarterEnded(self.end()) from error

    def run(
        self,
        module: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        timeout: float,
    ) -> subprocess.CompletedProcess[str]:
        """Run it to its end, as ``subprocess.run`` would.

        Raises:
            subprocess.TimeoutExpired: It, or what it left behind with its streams, did not end.
        """
        line = [sys.executable, "-m", module, *arguments]
        out, err = _Stream(), _Stream()
        started = self.start(module, arguments, environment, stdout=out.end, stderr=err.end)
        for stream in (out, err):
            stream.follow()
        try:
            code = started.wait(timeout)
        except BaseException:
            started.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                started.wait(GRACE)
            started.kill()
            raise
        for stream in (out, err):
            stream.join(timeout)
        if out.is_alive() or err.is_alive():
            raise subprocess.TimeoutExpired(line, timeout)
        return subprocess.CompletedProcess(line, code, out.text, err.text)

    def end(self) -> str:
        """End it, while what it has started goes on; what was printed by what it has imported."""
        self._orders.close()
        return self._process.communicate()[1]


class _Stream(threading.Thread):
    """Reads what a command writes, until nobody can write any more.

    Attributes:
        end: The command's.
        text: What was read.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._read, self.end = os.pipe()
        self.text = ""

    def follow(self) -> None:
        """Begin to read, once the command has its end."""
        os.close(self.end)
        self.start()

    def run(self) -> None:
        with os.fdopen(self._read) as stream:
            self.text = stream.read()
