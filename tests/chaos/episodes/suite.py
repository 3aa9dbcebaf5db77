"""Run episodes block by block, say what is violated, and find the smallest that still fails."""

from __future__ import annotations

import time
import traceback
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.episodes.draw import Episode
from tests.chaos.episodes.evening import play
from tests.chaos.episodes.invariants import INVARIANTS
from tests.chaos.episodes.shrink import shrink
from tests.chaos.world.calm import Calm
from tests.chaos.world.world import World

# Seconds for which a smaller episode that still fails is looked for; with 0 none is.
SHRINKING = 90.0


@dataclass(frozen=True)
class Failure:
    """An episode, what it violated, and the smallest of its kind that still does."""

    episode: Episode
    violations: list[str]
    smallest: Episode
    is_alone: bool

    def __str__(self) -> str:
        rest = "" if self.is_alone else " (only after the episodes before it in its block)"
        lines = [f"{self.episode}", *(f"  {each}" for each in self.violations)]
        return "\n".join([*lines, f"  smallest: {self.smallest}{rest}"])


@dataclass
class Report:
    """What came of some episodes."""

    failures: list[Failure] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    violated: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def __str__(self) -> str:
        count = self.kinds.total()
        lines = [f"{count} episodes in {self.seconds:.0f} s, {len(self.failures)} with violations."]
        lines += [f"{kind:14}{number:6}" for kind, number in sorted(self.kinds.items())]
        lines += [f"violated: {name} {number}" for name, number in self.violated.most_common()]
        return "\n".join(lines)


class Suite:
    """A world and its undisturbed evenings, in which episodes are run."""

    def __init__(
        self, folder: Path, *, has_dashboard: bool = False, shrinking: float = SHRINKING
    ) -> None:
        self._has_dashboard, self._shrinking = has_dashboard, shrinking
        self.world = World(folder, has_dashboard=has_dashboard)
        try:
            self.calm = Calm(self.world)
        except BaseException:
            self.world.close()
            raise
        self.report = Report()
        self._next: tuple[int, str] | None = None
        self._excused: frozenset[str] = frozenset()

    @property
    def parts(self) -> frozenset[str]:
        """What faults may be done to in the world, besides."""
        has = {"disk": self.world.has_disk, "dashboard": self._has_dashboard}
        return frozenset(name for name, is_there in has.items() if is_there)

    def run(self, episodes: Iterable[Episode]) -> Report:
        """Run episodes; those that follow one another go on where the one before ended."""
        for episode in episodes:
            began = time.monotonic()
            violations = self._run_next(episode)
            self.report.kinds[episode.kind] += 1
            self.report.faults.update(each.fault for each in episode.happenings)
            if violations:
                self.report.violated.update(set(violations))
                self.report.failures.append(self._shrink(episode, violations))
            self.report.seconds += time.monotonic() - began
        return self.report

    def _run_next(self, episode: Episode) -> dict[str, str]:
        if self._next != (episode.number, episode.reached) or episode.evening == 0:
            self._begin(episode)
        return self._play(episode)

    def run_alone(self, episode: Episode) -> dict[str, str]:
        """Violations of an episode that begins from an undisturbed evening."""
        self._begin(episode)
        return self._play(episode)

    def _begin(self, episode: Episode) -> None:
        evening = self.calm.evenings[episode.evening]
        self.world.begin(evening.database, evening.files, episode.reached)
        self._excused = frozenset()

    def _play(self, episode: Episode) -> dict[str, str]:
        """Violations by the name of the invariant."""
        self._next = None
        try:
            record = play(self.world, self.calm, episode, self._excused)
            found = {
                check.__name__: violation
                for check in INVARIANTS
                for violation in check(self.world, record)
            }
        except Exception:
            # Something that must always work did not: the rest of the episodes goes on.
            return {"episode": traceback.format_exc(limit=-4)}
        if not found:
            self._next = (episode.number + 1, episode.reached)
            self._excused = record.excuses
        return found

    def _shrink(self, episode: Episode, violations: dict[str, str]) -> Failure:
        """The smallest episode that violates one of the same invariants, begun anew each time."""

        def fails(candidate: Episode) -> bool:
            return bool(self.run_alone(candidate).keys() & violations.keys())

        listed = [f"{name}: {text}" for name, text in violations.items()]
        if self._shrinking <= 0 or not fails(episode):
            return Failure(episode, listed, episode, is_alone=False)
        return Failure(episode, listed, shrink(episode, fails, self._shrinking), is_alone=True)

    def close(self) -> list[str]:
        """End the world; what was left of it."""
        return self.world.close()
