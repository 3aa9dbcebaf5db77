"""Fits that were made before, on disk, named by the rows and the code that they were made from.

A pool's models are refitted once a year, and every ticker's run needs all of them. A file that is
missing, damaged or of other code is fitted again; nothing else hangs on it.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import uuid
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from src.registry.model_file import pack, unpack
from src.registry.trees import Trees

Floats = npt.NDArray[np.float64]
Fit = Callable[[Floats, Floats, int], Any]

# Fits of two pools over twenty years.
MOST = 48
# Those that fits are made with; not all need be there.
LIBRARIES = ("numpy", "scikit-learn", "lightgbm")


class FitCache:
    """Remembers fits whose result is ``Trees``.

    Args:
        folder: Where; made when first needed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, name: str, fit: Fit) -> Fit:
        """The same fit, looked up before it is made and stored after."""

        def kept(X: Floats, y: Floats, horizon: int) -> Any:
            path = self.folder / _key(name, fit, X, y, horizon)
            found = _read(path)
            if found is None:
                found = fit(X, y, horizon)
                if isinstance(found, Trees):
                    self._write(path, found)
            return found

        return kept

    def _write(self, path: Path, trees: Trees) -> None:
        data = pack(trees)
        aside = path.with_name(f".{uuid.uuid4().hex}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            aside.write_bytes(hashlib.sha256(data).digest() + data)
            aside.replace(path)
            self._forget()
        except OSError:
            # It only saves time: a full disk must not cost the forecast.
            with suppress(OSError):
                aside.unlink(missing_ok=True)

    def _forget(self) -> None:
        # With what killed writers left aside, or that would pile up.
        stored = sorted(self.folder.iterdir(), key=lambda one: one.stat().st_mtime)
        for old in stored[:-MOST]:
            old.unlink(missing_ok=True)


def _read(path: Path) -> Trees | None:
    try:
        stored = path.read_bytes()
    except OSError:
        return None
    # Kept for longer, where that may be said: another account's file is as good.
    with suppress(OSError):
        os.utime(path)
    digest, data = stored[:32], stored[32:]
    if hashlib.sha256(data).digest() != digest:
        return None
    # Whatever a file of other code raises on its way in, it is fitted again.
    try:
        trees = unpack(data)
    except Exception:
        return None
    return trees if isinstance(trees, Trees) else None


def _key(name: str, fit: Fit, X: Floats, y: Floats, horizon: int) -> str:
    """A digest of the rows, of the code that fits them and of the libraries it uses."""
    libraries = [_installed(one) for one in LIBRARIES]
    code = inspect.getsource(inspect.getmodule(fit) or type(fit))
    found = hashlib.sha256(repr((name, horizon, X.shape, libraries, code)).encode())
    # Features are stacked in single precision: nothing is lost, and half is read.
    found.update(np.ascontiguousarray(X, dtype=np.float32).data)
    found.update(np.ascontiguousarray(y).data)
    return found.hexdigest()


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
