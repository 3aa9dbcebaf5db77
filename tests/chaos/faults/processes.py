"""Processes that are killed, or stand still for a while."""

from __future__ import annotations

import contextlib
import random
import signal
from collections.abc import Iterable
from typing import TYPE_CHECKING

import psutil

from tests.chaos.faults.fault import Fault

if TYPE_CHECKING:
    from tests.chaos.world.world import World


def processes_of(world: World, part: str) -> list[psutil.Process]:
    """The processes of a part of the installation."""
    if part == "server":
        return world.server.processes()
    if part == "run":
        return world.runs()
    if part == "worker":
        return world.processes("mlops.worker")
    service = world.api if part == "API" else world.dashboard
    with contextlib.suppress(psutil.NoSuchProcess):
        return [psutil.Process(service.process.pid)] if service else []
    return []


class Kill(Fault):
    """A part dies of SIGKILL, and is started again when the fault ends."""

    kind = "kill"

    def __init__(self, part: str) -> None:
        self.part, self.name = part, f"kill {part}"
        self.needs = frozenset({part} & {"worker", "dashboard"})

    def begin(self, world: World, chance: random.Random) -> None:
        for process in processes_of(world, self.part)[:1]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def end(self, world: World) -> None:
        world.revive()


class KillBackend(Fault):
    """One process of the server dies: the server ends all others, and recovers."""

    name, kind = "kill a process of the server", "kill"

    def begin(self, world: World, chance: random.Random) -> None:
        children = world.server.processes()[1:]
        with contextlib.suppress(psutil.NoSuchProcess):
            if children:
                chance.choice(children).kill()


class Stop(Fault):
    """All processes of a part stand still."""

    kind = "stop"

    def __init__(self, part: str) -> None:
        self.part, self.name = part, f"stop {part}"
        self.needs = frozenset({part} & {"worker", "dashboard"})
        self._stopped: list[psutil.Process] = []

    def begin(self, world: World, chance: random.Random) -> None:
        self._stopped = processes_of(world, self.part)
        self._send(signal.SIGSTOP, self._stopped)

    def end(self, world: World) -> None:
        self._send(signal.SIGCONT, reversed(self._stopped))

    @staticmethod
    def _send(what: signal.Signals, processes: Iterable[psutil.Process]) -> None:
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(what)


PARTS = ("run", "API", "worker", "server", "dashboard")
FAULTS = (
    *(Kill(part) for part in PARTS),
    KillBackend(),
    *(Stop(part) for part in PARTS),
)
