"""Find a smaller episode that still fails."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from tests.chaos.episodes.draw import Episode


def shrink(episode: Episode, fails: Callable[[Episode], bool], seconds: float) -> Episode:
    """The smallest episode found within some seconds that fails, as ``episode`` does.

    First faults are left out, one at a time; then times are halved.
    """
    deadline = time.monotonic() + seconds
    smallest: Episode | None = episode
    while smallest is not None:
        episode, smallest = smallest, None
        for candidate in smaller(episode):
            if time.monotonic() > deadline:
                break
            if fails(candidate):
                smallest = candidate
                break
    return episode


def smaller(episode: Episode) -> list[Episode]:
    """Episodes with a fault fewer each, then with shorter faults, then with earlier ones."""
    parts = episode.happenings
    fewer = [parts[:k] + parts[k + 1 :] for k in range(len(parts))] if len(parts) > 1 else []
    shorter = tuple(replace(h, lasts=round(h.lasts / 2, 2)) for h in parts)
    earlier = tuple(replace(h, after=round(h.after / 2, 2)) for h in parts)
    times = [each for each in (shorter, earlier) if each != parts]
    return [replace(episode, happenings=each) for each in (*fewer, *times)]
