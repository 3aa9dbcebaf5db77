"""Count warnings by their kind: sentences that differ in tickers, dates and numbers alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

# Up to so many warnings of a kind are shown one by one.
SHOWN = 3
_DIFFERS = re.compile(r"\b[A-Z0-9&_-]+\.[A-Z]{1,4}\b|\^[A-Z0-9]+|[-+]?\d[\d,.:-]*")


def count_by_kind(warnings: Sequence[str]) -> list[str]:
    """The warnings, each once; of a kind with many the first one, and how many more there are."""
    kinds: dict[str, list[str]] = {}
    for warning in dict.fromkeys(warnings):
        kinds.setdefault(_DIFFERS.sub("…", warning), []).append(warning)
    lines = []
    for same in kinds.values():
        if len(same) <= SHOWN:
            lines += same
        else:
            more = len(same) - 1
            lines.append(f"{same[0]} ({more} more like this one are in results.json.)")
    return lines
