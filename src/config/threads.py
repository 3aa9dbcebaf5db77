"""Configure the threads of numeric libraries, before these are loaded."""

from __future__ import annotations

import os


def use_passive_waiting() -> None:
    """Let OpenMP threads sleep while they wait, unless the environment says otherwise.

    Busy waiting makes training beside one busy neighbour ten times slower.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
