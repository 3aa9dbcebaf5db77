"""Run one part in a process of its own, within its time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.page.catalogue import Part
from benchmarks.page.machine import describe, own_versions

ROOT = Path(__file__).resolve().parents[2]


def run_part(part: Part, *, quick: bool) -> dict[str, Any]:
    """The part's result with machine, versions and ``took`` seconds; or ``failed`` with why."""
    about = {"machine": describe(), "packages": own_versions(), "quick": quick}
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        out = Path(folder) / "result.json"
        arguments = ["--out", str(out), *(["--quick"] if quick else [])]
        why = _ended_well(part, arguments)
        found = {"failed": why} if why else json.loads(out.read_text())
    return {**about, "took": time.monotonic() - began, **found}


def _ended_well(part: Part, arguments: list[str]) -> str | None:
    """None, or why the part failed: the last line that it said."""
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", f"benchmarks.parts.{part.name}", *arguments],
            cwd=ROOT,
            stderr=said,
            start_new_session=True,
        )
        try:
            code = process.wait(part.most)
        except subprocess.TimeoutExpired:
            return f"it had not ended after {part.most:.0f} s"
        finally:
            # Whatever it has started ends with it.
            _end_group(process)
        said.seek(0)
        lines = said.read().strip().splitlines()
    if code == 0:
        return None
    return lines[-1] if lines else f"it ended with {code}"


def _end_group(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGTERM)
    except ProcessLookupError:
        return
    try:
        # Its server writes a checkpoint first.
        process.wait(60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
