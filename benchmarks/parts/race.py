"""Let several contestants do the same work in turn, each in a process of its own.

A B C, A B C, …: what else the machine does meets all of them alike. What counts is the median.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import IO, Any, cast

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / "benchmarks/peers"
PEERS_PYTHON = ROOT / ".venv-peers/bin/python"
NO_PEERS = "the peers' environment is not there: make .venv-peers/.ready"


class ContestantFailed(Exception):
    """A contestant that ended or could not do its work; its words say why."""


@dataclass
class Times:
    """What the rounds of one contestant took."""

    cpu: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    peak: float = 0.0
    value: Any = None

    def summary(self, what: str = "cpu") -> dict[str, Any]:
        """Median, least and most of ``cpu`` or ``seconds``, and the number of rounds."""
        taken = getattr(self, what)
        return {"median": median(taken), "low": min(taken), "high": max(taken), "n": len(taken)}


class Contestant:
    """A process that does the work that is named; see ``benchmarks/peers/contestant.py``.

    Raises:
        ContestantFailed: It ended before it was ready.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None):
        # A file, for a pipe that nobody reads would stop a contestant that says much.
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | dict(environment or {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        self._stdin, self._stdout = (
            cast("IO[str]", self._process.stdin),
            cast("IO[str]", self._process.stdout),
        )
        self.versions: dict[str, str] = self._answer()["versions"]

    def work(self, name: str) -> dict[str, Any]:
        """Do the work once; what it took.

        Raises:
            ContestantFailed: It could not.
        """
        # Of one that has ended, the answer says why.
        with suppress(BrokenPipeError):
            self._stdin.write(f"{name}\n")
            self._stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        line = self._stdout.readline()
        if not line:
            self._errors.seek(0)
            said = self._errors.read().strip().splitlines() or ["it ended without a word"]
            raise ContestantFailed(said[-1])
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise ContestantFailed(answer["error"])
        return answer

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self._errors.close()


def own(module: str, *arguments: str) -> Contestant:
    """A contestant in the product's environment."""
    return Contestant([sys.executable, "-m", module, *arguments], {"OMP_NUM_THREADS": "1"})


def peer(script: str, *arguments: str) -> Contestant:
    """A contestant in the peers' environment.

    Raises:
        ContestantFailed: There is no such environment.
    """
    if not PEERS_PYTHON.exists():
        raise ContestantFailed(NO_PEERS)
    command = [str(PEERS_PYTHON), str(PEERS / script), *arguments]
    return Contestant(command, {"OMP_NUM_THREADS": "1", "MPLCONFIGDIR": "/tmp/benchmark-peers"})  # noqa: S108


@dataclass
class Race:
    """The times of each work, and why the others have none."""

    times: dict[str, Times] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)


def run(
    entries: Sequence[tuple[str, Callable[[], Contestant]]], rounds: int, *, warm_up: bool = True
) -> Race:
    """Let each named work be done in each round, in turn.

    Args:
        entries: Name of the work, and what starts its contestant; works with the same starter
            share a process.
        rounds: How often each is measured.
        warm_up: Whether a round that is not measured comes before them.
    """
    race = Race()
    started: dict[Any, Contestant | str] = {}
    try:
        for name, start in entries:
            if start not in started:
                started[start] = _started(start)
            contestant = started[start]
            if isinstance(contestant, str):
                race.failed[name] = contestant
            else:
                race.versions |= contestant.versions
        for number in range(-int(warm_up), rounds):
            for name, start in entries:
                contestant = started[start]
                if name not in race.failed and isinstance(contestant, Contestant):
                    _turn(race, name, contestant, counts=number >= 0)
    finally:
        for contestant in started.values():
            if isinstance(contestant, Contestant):
                contestant.close()
    return race


def _started(start: Callable[[], Contestant]) -> Contestant | str:
    """The contestant, or why there is none."""
    try:
        return start()
    except ContestantFailed as error:
        return str(error)


def _turn(race: Race, name: str, contestant: Contestant, *, counts: bool) -> None:
    try:
        answer = contestant.work(name)
    except ContestantFailed as error:
        race.failed[name] = str(error)
        race.times.pop(name, None)
        return
    if counts:
        times = race.times.setdefault(name, Times())
        # A work may count only a part of what it did.
        value = answer["value"]
        counted = value if isinstance(value, dict) else answer
        times.cpu.append(counted.get("cpu", answer["cpu"]))
        times.seconds.append(answer["seconds"])
        times.peak, times.value = answer["peak"], answer["value"]
