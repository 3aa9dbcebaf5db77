"""Runs of the pipeline that are there for the data alone, before any model was trained."""

from __future__ import annotations

import subprocess

NO_MODEL = "has been trained yet: run `python -m mlops.pipeline --"


def data_is_stored(ran: subprocess.CompletedProcess[str]) -> bool:
    """Whether a run with ``--skip-training`` did all it can without a model, and says so."""
    return ran.returncode == 1 and NO_MODEL in ran.stderr.splitlines()[-1]
