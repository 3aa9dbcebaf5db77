"""Put what a part has measured into the rows that the page is made of."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.parts.race import Race, Times


@dataclass(frozen=True)
class Budget:
    """A figure and its limits; ``higher`` where more is better. ``aim`` is better than ``must``."""

    what: str
    value: float
    unit: str
    must: float
    aim: float | None = None
    higher: bool = False
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Peer:
    """How many times better than another's the product's figure is, for the same work.

    ``ours`` and ``theirs`` are medians in ``unit``; low and high are the least and the greatest
    ratio of a round.
    """

    task: str
    name: str
    ratio: float
    ours: float
    theirs: float
    unit: str
    low: float | None = None
    high: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Curve:
    """A figure by size, in the order of the sizes."""

    name: str
    x: list[float]
    y: list[float]
    x_unit: str
    y_unit: str


@dataclass
class Result:
    """Everything that a part has to tell. ``missing`` is what was not measured, and why."""

    budgets: list[Budget] = field(default_factory=list)
    peers: list[Peer] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    def take_race(self, task: str, race: Race, ours: str, what: str = "cpu") -> None:
        """Add a row for everybody who raced with ``ours``, and the reasons of who did not."""
        self.versions |= race.versions
        self.missing |= {f"{task}: {name}": why for name, why in race.failed.items()}
        if ours in race.times:
            own = race.times[ours]
            self.peers += [
                compared(task, name, own, times, what)
                for name, times in race.times.items()
                if name != ours
            ]


def compared(task: str, name: str, ours: Times, theirs: Times, what: str = "cpu") -> Peer:
    """A peer's row, from the rounds in which both took their turns."""
    pairs = list(zip(getattr(ours, what), getattr(theirs, what), strict=True))
    rounds = [their / our for our, their in pairs]
    unit = "cpu s" if what == "cpu" else "s"
    our, their = (median(values) for values in zip(*pairs, strict=True))
    return Peer(task, name, their / our, our, their, unit, min(rounds), max(rounds))


def main(measure: Callable[[bool], Result], description: str | None) -> None:
    """The command of a part: measure, and print or write the result as JSON."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="at small sizes: figures mean little")
    parser.add_argument("--out", type=Path, help="where the result goes (default: stdout)")
    args = parser.parse_args()
    # A part that takes too long is ended so: its server ends with it, and its folder goes.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    text = json.dumps(asdict(measure(args.quick)), indent=1)
    if args.out is None:
        print(text)
    else:
        args.out.write_text(text + "\n")


def load(content: Mapping[str, Any]) -> Result:
    """A result from its JSON."""
    rows: dict[str, Callable[..., Any]] = {"budgets": Budget, "peers": Peer, "curves": Curve}
    known = {name: content[name] for name in Result.__dataclass_fields__ if name in content}
    made: dict[str, Sequence[Any]] = {
        name: [row(**values) for values in known.get(name, [])] for name, row in rows.items()
    }
    return Result(**{**known, **made})
