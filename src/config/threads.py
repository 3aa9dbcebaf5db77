"""Configure the threads of numeric libraries, before these are loaded."""

from __future__ import annotations

import os

DEFAULTS = {
    # Busy waiting makes training beside one busy neighbour ten times slower.
    "OMP_WAIT_POLICY": "passive",
    # Matrices are small here: threads of linear algebra mostly wait for each other.
    "OPENBLAS_NUM_THREADS": "1",
    # A run asks thousands of small things of frames: to share them out costs more than it saves.
    "POLARS_MAX_THREADS": "1",
}


def configure_threads() -> None:
    """Let OpenMP threads sleep while they wait, and give linear algebra and polars one thread.

    What the environment says stands.
    """
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)


def one_thread_environment() -> dict[str, str]:
    """What the environment of a worker has, of which several run beside each other: one thread."""
    names = {**DEFAULTS, "OMP_NUM_THREADS": "1"}
    return {name: os.environ.get(name, value) for name, value in names.items()}
