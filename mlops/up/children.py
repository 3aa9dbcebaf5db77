"""Keep processes running: start again what ends, and end all of them together."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mlops.up.terminal import write_line
from src.config import logs
from src.config.settings import PROJECT_ROOT

log = logs.get(__name__)

FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0  # seconds before a start, doubled each time
STEADY = 60.0  # seconds: who has run so long did not end for the reason it began with
SEVERAL = 3  # ends in a row that are no accident
PR_SET_PDEATHSIG = 1  # of Linux's prctl
# Seconds that a process of a service that has ended may keep its output open.
LAST_WORDS = 1.0


@dataclass(frozen=True)
class Service:
    """A process to keep running.

    Attributes:
        name: Before each line that it prints.
        arguments: Of Python.
        environment: Variables beside our own ones.
        if_orphaned: The signal that it gets where its parent is killed (on Linux).
    """

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    if_orphaned: signal.Signals = signal.SIGTERM


@dataclass(frozen=True)
class _Stop:
    """What tells services to end, and to end at once; and how many seconds the first gives."""

    begun: asyncio.Event
    hurry: asyncio.Event
    timeout: float


async def keep_running(
    services: Sequence[Service], *, stop_timeout: float, first_wait: float = FIRST_WAIT
) -> None:
    """Run all services until a signal ends them; the same one a second time does so at once.

    A terminal that is closed may send SIGHUP several times: those hurry nobody. From the first
    signal on this process is not ended by any.

    Args:
        services: Started together.
        stop_timeout: Seconds from the signal until what has not ended is killed.
        first_wait: Seconds until a service that has ended is started again the first time.
    """
    stop = _Stop(asyncio.Event(), asyncio.Event(), stop_timeout)
    with _signals(stop):
        await asyncio.gather(*(_keep(service, first_wait, stop) for service in services))


@contextlib.contextmanager
def _signals(stop: _Stop) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    seen: set[signal.Signals] = set()

    def heed(number: signal.Signals) -> None:
        if number in seen and number != signal.SIGHUP:
            stop.hurry.set()
        seen.add(number)
        stop.begun.set()

    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as `nohup` has it
        numbers.append(signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, heed, number)
    yield
    for number in numbers:
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)


async def _keep(service: Service, first_wait: float, stop: _Stop) -> None:
    ends_in_a_row = 0
    while not stop.begun.is_set():
        began = time.monotonic()
        process = await _start(service)
        ended = asyncio.ensure_future(_end_of(service, process))
        await _first_of(ended, stop.begun.wait())
        if not ended.done():
            await _end(service, process, ended, stop)
            return
        seconds = time.monotonic() - began
        ends_in_a_row = 1 if seconds > STEADY else ends_in_a_row + 1
        wait = min(first_wait * 2 ** (ends_in_a_row - 1), LONGEST_WAIT)
        log.warning(_sentence(service.name, ended.result(), seconds, ends_in_a_row, wait))
        await _first_of(asyncio.sleep(wait), stop.begun.wait())


async def _start(service: Service) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *service.arguments,
        cwd=PROJECT_ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **service.environment},
        stdin=asyncio.subprocess.DEVNULL,
        # Through us: Streamlit cannot end once the terminal that it writes to is closed.
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        # Ctrl-C is a signal to us alone, who end them in order.
        start_new_session=True,
        preexec_fn=_end_with_parent(os.getpid(), service.if_orphaned),
    )


def _end_with_parent(parent: int, number: signal.Signals) -> Callable[[], None]:
    """What a child does first, so that it does not outlive a parent that is killed (on Linux)."""
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

    def ask() -> None:
        if prctl is not None:
            prctl(PR_SET_PDEATHSIG, number)
            if os.getppid() != parent:  # it was killed before that
                os._exit(1)

    return ask


async def _end_of(service: Service, process: asyncio.subprocess.Process) -> int:
    """The exit code of a process whose lines are written until then."""
    lines = asyncio.ensure_future(_write_lines(service.name, process.stdout))
    code = await process.wait()
    await asyncio.wait({lines}, timeout=LAST_WORDS)
    lines.cancel()
    return code


async def _write_lines(name: str, output: asyncio.StreamReader | None) -> None:
    while output is not None and not output.at_eof():
        with contextlib.suppress(ValueError):  # a line of more than 64 KiB is left out
            if line := (await output.readline()).decode(errors="replace").rstrip():
                write_line(f"{name} | {line}")


async def _end(
    service: Service,
    process: asyncio.subprocess.Process,
    ended: asyncio.Future[int],
    stop: _Stop,
) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    await _first_of(ended, stop.hurry.wait(), asyncio.sleep(stop.timeout))
    if not ended.done():
        if stop.hurry.is_set():
            log.warning(f"The {service.name} is killed at once, as the second signal asks.")
        else:
            log.warning(f"The {service.name} did not end in {stop.timeout:.0f} s: it is killed.")
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    await ended


async def _first_of(*events: Awaitable[object]) -> None:
    """Wait for one of them; coroutines among the others are given up, futures go on."""
    waiting = [asyncio.ensure_future(event) for event in events]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task, event in zip(waiting, events, strict=True):
        if task is not event:
            task.cancel()


def _sentence(name: str, code: int, seconds: float, ends_in_a_row: int, wait: float) -> str:
    how = f"with exit code {code}" if code >= 0 else f"by {signal.Signals(-code).name}"
    if ends_in_a_row < SEVERAL:
        return f"The {name} ended {how} after {seconds:.0f} s: it is started again in {wait:.0f} s."
    if code >= 0:
        why = "it will not run until the reason that it gave above is removed"
    elif code == -signal.SIGKILL:
        why = "somebody killed it, or the system did for want of memory"
    else:
        why = "no reason of its own stands above"
    return (
        f"The {name} has ended {ends_in_a_row} times in a row, now {how} after {seconds:.0f} s: "
        f"{why}. Next try in {wait:.0f} s."
    )
