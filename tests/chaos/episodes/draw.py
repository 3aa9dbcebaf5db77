"""Draw episodes from a seed: one evening each, on which something goes wrong."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.chaos.faults.table import FAULTS
from tests.chaos.world import prices

# Seconds from the start, by who runs: a run takes .2, and the worker two before its own begins.
LATEST = {"hand": 0.3, "worker": 2.4}
# A few last long enough for others than the run to lose patience.
USUALLY, LONGEST = 0.4, 1.5
# Faults that are drawn for one episode.
MOST = 3


@dataclass(frozen=True)
class Happening:
    """A fault of one episode.

    Attributes:
        fault: Its name in the table.
        after: Seconds from the start of the run; 0 is before it, where the fault is there by then.
        lasts: Seconds until it ends. Both are longer where the machine is slow at the time, but the
            second is never longer than ``LONGEST``.
    """

    fault: str
    after: float
    lasts: float


@dataclass(frozen=True)
class Episode:
    """One evening.

    Attributes:
        seed: Of all episodes.
        number: Of this one; both decide what is drawn in it.
        kind: Of its first fault.
        by: Who runs: ``hand`` or ``worker``.
        reached: How the parts reach the server: ``embedded`` or ``relay``.
        source: ``csv`` or ``yahoo``.
        happenings: What goes wrong.
    """

    seed: int
    number: int
    kind: str
    by: str
    reached: str
    source: str
    happenings: tuple[Happening, ...]

    @property
    def evening(self) -> int:
        """Which evening of a world it is, from 0."""
        return self.number % prices.EVENINGS

    def chance(self, happening: int) -> random.Random:
        """What decides the details of a fault: the same when others are left out."""
        return random.Random(f"{self.seed}:{self.number}:{self.happenings[happening].fault}")

    def __str__(self) -> str:
        faults = ", ".join(
            f"{h.fault} at {h.after:.2f} s for {h.lasts:.2f} s" for h in self.happenings
        )
        return (
            f"SEED={self.seed} EPISODE={self.number} ({self.kind}; run by {self.by}, "
            f"{self.reached}, {self.source}): {faults}"
        )


def draw(seed: int, number: int, kind: str | None, parts: frozenset[str]) -> Episode:
    """An episode; the episodes of one block reach the server in the same way.

    Args:
        seed: Of all.
        number: Of this one.
        kind: Of its faults; None for any, together with others.
        parts: What the world has: ``disk``, ``dashboard``.
    """
    reached = random.Random(f"{seed}:{number // prices.EVENINGS}").choice(("embedded", "relay"))
    chance = random.Random(f"{seed}:{number}")
    possible = _possible(parts | {reached, "hand", "worker", "csv", "yahoo"}, kind)
    own = chance.choice(sorted({FAULTS[name].kind for name in possible}))
    first = chance.choice([name for name in possible if FAULTS[name].kind == own])
    needs = FAULTS[first].needs
    by = next(iter(needs & {"hand", "worker"}), chance.choice(("hand", "hand", "hand", "worker")))
    source = "yahoo" if "yahoo" in needs else "csv"
    others = [name for name in _possible(parts | {reached, by, source}, kind) if name != first]
    count = min(len(others), chance.choice((0, 0, 0, 1, 1, MOST - 1)))
    names = [first, *chance.sample(others, count)]
    happenings = tuple(_happening(name, by, chance) for name in names)
    return Episode(seed, number, own, by, reached, source, happenings)


def _possible(has: frozenset[str], kind: str | None) -> list[str]:
    return [
        name for name, fault in FAULTS.items() if kind in (None, fault.kind) and fault.needs <= has
    ]


def _happening(name: str, by: str, chance: random.Random) -> Happening:
    after = chance.uniform(0.02, LATEST[by])
    lasts = chance.uniform(0.05, chance.choice((USUALLY, USUALLY, USUALLY, LONGEST)))
    return Happening(name, 0.0 if FAULTS[name].at_start else round(after, 2), round(lasts, 2))
