"""Tell how much memory this process had at most."""

from __future__ import annotations

import resource
from pathlib import Path

STATUS = Path("/proc/self/status")


def peak_memory() -> float:
    """Resident memory at most, in MiB.

    Linux hands ``ru_maxrss`` on to the programs that a process starts, so that a small one started
    by a large one would have the peak of that; the line VmHWM is its own. Elsewhere there is none.
    """
    if STATUS.exists():
        for line in STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
