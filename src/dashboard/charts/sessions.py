"""Place days on an axis that counts trading sessions, so that holidays take no room."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Sequence

# A longer span is labelled by its months, a shorter one by days.
DAYS_OF_MONTHS = 120


def place(days: Sequence[dt.date], day: dt.date) -> float:
    """Where a day lies among ascending sessions; half-way between two when it is none."""
    at = bisect_left(days, day)
    return at if at < len(days) and days[at] == day else at - 0.5


def ticks(days: Sequence[dt.date], most: int = 7) -> tuple[list[int], list[str]]:
    """Positions and labels of at most so many sessions; a new year is named below its first."""
    if not days:
        return [], []
    if (days[-1] - days[0]).days > DAYS_OF_MONTHS:
        starts = [at for at in range(1, len(days)) if days[at].month != days[at - 1].month]
        form = "%b"
    else:
        starts, form = list(range(len(days))), "%d %b"
    step = max(1, -(-len(starts) // most))
    chosen = starts[::step]
    labels, year = [], None
    for at in chosen:
        label = f"{days[at]:{form}}".lstrip("0")
        labels.append(label if days[at].year == year else f"{label}<br>{days[at].year}")
        year = days[at].year
    return chosen, labels
