"""Fits that were made before, and what they said, on disk, named by what they were made from.

A pool's models are refitted once a year, and every ticker's run needs all of them and all that
they said. A file that is missing, damaged or of other code is made again; nothing else hangs on it.
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

from src.registry.formats.models import pack, unpack
from src.registry.formats.trees import Trees

Floats = npt.NDArray[np.float64]
Fit = Callable[[Floats, Floats, int], Any]

# Fits of two pools over twenty years, and what each of them said.
MOST = 96
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
            found = _trees(_read(path))
            if found is None:
                found = fit(X, y, horizon)
                if isinstance(found, Trees):
                    self._write(path, pack(found))
            return found

        return kept

    def predict(self, model: Any, X: Floats) -> Floats:
        """What a model says of (rows, features), looked up before it is asked; (rows,)."""
        if not isinstance(model, Trees):
            said: Floats = model.predict(X)
            return said
        path = self.folder / _digest(pack(model), X)
        stored = _read(path)
        if stored is None or len(stored) != 8 * len(X):
            found = model.predict(X)
            self._write(path, found.tobytes())
            return found
        return np.frombuffer(stored)

    def _write(self, path: Path, data: bytes) -> None:
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


def _read(path: Path) -> bytes | None:
    try:
        stored = path.read_bytes()
    except OSError:
        return None
    # Kept for longer, where that may be said: another account's file is as good.
    with suppress(OSError):
        os.utime(path)
    digest, data = stored[:32], stored[32:]
    return data if hashlib.sha256(data).digest() == digest else None


def _trees(data: bytes | None) -> Trees | None:
    """Whatever a file of other code raises on its way in, it is fitted again."""
    if data is None:
        return None
    try:
        trees = unpack(data)
    except Exception:
        return None
    return trees if isinstance(trees, Trees) else None


def _key(name: str, fit: Fit, X: Floats, y: Floats, horizon: int) -> str:
    """A digest of the rows, of the code that fits them and of the libraries it uses."""
    libraries = [_installed(one) for one in LIBRARIES]
    code = inspect.getsource(inspect.getmodule(fit) or type(fit))
    return _digest(repr((name, horizon, libraries, code)).encode(), X, y)


def _digest(head: bytes, X: Floats, *rest: Floats) -> str:
    # Not SHA-256: a quarter of a gigabyte is read for each run of a pool.
    found = hashlib.blake2b(head + repr(X.shape).encode(), digest_size=32)
    # Features are stacked in single precision: nothing is lost, and half is read.
    found.update(np.ascontiguousarray(X, dtype=np.float32).data)
    for one in rest:
        found.update(np.ascontiguousarray(one).data)
    return found.hexdigest()


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
