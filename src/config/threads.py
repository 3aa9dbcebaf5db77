"""How libraries' threads behave, set before they are loaded."""

from __future__ import annotations

import os


def wait_politely() -> None:
    """Let threads of OpenMP sleep while they wait, unless the environment says otherwise.

    Spinning ones make training beside one busy neighbour ten times slower.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
