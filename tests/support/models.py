"""Artifacts to store, small enough to read, and files forged so that their digests agree."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from src.registry.formats.models import LinearModel
from src.registry.storage.artifact import Artifact


def make_artifact(**changes: Any) -> Artifact:
    """An artifact that serves zero, with whatever a test bends."""
    fields = {
        "pool": "NSE",
        "horizon": "short",
        "sessions": 1,
        "candidate": "ridge",
        "model": LinearModel(("mom_5", "vol_14"), np.array([0.1, -1 / 3]), 0.0007),
        "features_version": "v1",
        "trained_at": "2025-11-14T12:00:00+00:00",
        "fitted_through": "2025-11-06",
        "session": "2025-11-14",
        "code_version": "0.1.0-3-gabc",
        "data_hash": "d" * 64,
        "config_hash": "c" * 64,
        "verdict": "undecided",
        "reason": "t = .4 after 479 sessions",
        "trials": 3,
        "config": {"horizon": 1, "embargo": 5},
        "metrics": [{"name": "zero", "mae": 0.0094, "skill_vs_zero": 0.0, "r2": None}],
        "evidence": [{"name": "recent_skill", "value": None, "limit": 0.0, "passed": False}],
        "judged": {"n": 479, "dates": 479, "n_eff": 450.0, "sessions_until_decidable": 900},
        "tickers": 141,
        "coverage": {"0.5": 0.51, "0.9": 0.9},
        "forecasts": b"PAR1 is not looked into here",
    }
    return Artifact(**fields | changes)


def both_horizons(pool: str = "NSE", **changes: Any) -> list[Artifact]:
    """Artifacts of both horizons of a pool."""
    return [
        make_artifact(pool=pool, horizon="short", **changes),
        make_artifact(pool=pool, horizon="long", **changes | {"sessions": 63}),
    ]


def winner(**changes: Any) -> Artifact:
    """An artifact whose candidate won the gate, at the close of 14 April 2026, and is served."""
    won = {"verdict": "better", "served": "ridge", "since": "2026-04-14", "reason": "p = .004"}
    return make_artifact(**won | changes)


def forged_set(folder: Path, model: bytes, /, **changes: Any) -> str:
    """Put a set beside the one in ``folder`` whose manifest vouches for other bytes."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["files"]["model.safetensors"] = {
        "sha256": sha256(model).hexdigest(),
        "size": len(model),
    }
    body = json.dumps(manifest | changes).encode()
    digest = sha256(body).hexdigest()
    forged = folder.with_name(digest)
    shutil.copytree(folder, forged)
    (forged / "manifest.json").write_bytes(body)
    (forged / "model.safetensors").write_bytes(model)
    (forged / "manifest.sig").unlink(missing_ok=True)
    return digest


def killed_at_step(step: int, work: Callable[[], object]) -> bool:
    """Do the work in a child killed just before its ``step``-th file operation; whether it was."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            _die_at(step)
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or status == 0
    return os.WIFSIGNALED(status)


def _die_at(step: int) -> None:
    count = 0

    def kill(event: str, _arguments: Any) -> None:
        nonlocal count
        if event in ("open", "os.mkdir", "os.rename", "os.remove", "shutil.rmtree"):
            count += 1
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(kill)


def check_in_child(question: Callable[[], bool]) -> int:
    """Ask in a child, while the parent goes on; its process id, to be waited for."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if question() else 1
        finally:
            os._exit(code)
    return child
