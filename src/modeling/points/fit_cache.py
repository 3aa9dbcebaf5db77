"""Cache fitted models and their predictions on disk, under a hash of what they were made from.

A pool's models are refitted once a year, and every run needs all of them and their predictions. A
file that is missing, damaged or of other code is made again; nothing else depends on it. Fits end
in signed models: with a signing key a file counts only if that key sealed it under its name.
"""

from __future__ import annotations

import hashlib
import hmac
import inspect
import os
import uuid
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from src.core.arrays import Floats, Singles
from src.modeling.points.walk_forward import CHUNK, FitFunction, FittedModel
from src.registry.formats.models import pack, unpack_trees
from src.registry.formats.trees import Trees

# Fits of two pools over twenty years, and the predictions of each.
MOST_FILES = 96
# Libraries whose version decides the result of a fit; not all need be installed.
LIBRARIES = ("numpy", "scikit-learn", "lightgbm")


class FitCache:
    """Remembers nothing: fits and predicts anew each time."""

    def cached(self, name: str, fit: FitFunction) -> FitFunction:
        """The same fit, perhaps looked up."""
        return fit

    def predict(self, model: FittedModel, X: Singles) -> Floats:
        """Predictions of a model for (rows, features), perhaps looked up; (rows,)."""
        return model.predict(X)


NO_FIT_CACHE = FitCache()


class DiskFitCache(FitCache):
    """Remembers fits whose result is ``Trees`` on disk, and their predictions.

    Args:
        folder: Of the files; created when first needed.
        key: Seals the files; without one only damage is noticed.
    """

    def __init__(self, folder: Path, key: bytes | None = None) -> None:
        self.folder, self._key = folder, key

    def cached(self, name: str, fit: FitFunction) -> FitFunction:
        """The same fit, looked up first and stored after a miss."""

        def lookup(X: Floats, y: Floats, horizon: int) -> FittedModel:
            path = self.folder / _key(name, fit, X, y, horizon)
            stored = _trees(self._read(path))
            if stored is not None:
                return stored
            model = fit(X, y, horizon)
            if isinstance(model, Trees):
                self._write(path, pack(model))
            return model

        return lookup

    def predict(self, model: FittedModel, X: Singles) -> Floats:
        """Predictions of a model for (rows, features), looked up first; (rows,)."""
        if not isinstance(model, Trees):
            return model.predict(X)
        path = self.folder / _digest(pack(model), X)
        stored = self._read(path)
        if stored is None or len(stored) != 8 * len(X):
            predicted = model.predict(X)
            self._write(path, predicted.tobytes())
            return predicted
        return np.frombuffer(stored)

    def _write(self, path: Path, data: bytes) -> None:
        partial = path.with_name(f".{uuid.uuid4().hex}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(self._seal(path, data) + data)
            partial.replace(path)
            self._drop_oldest()
        except OSError:
            # The cache only saves time: a full disk must not stop the forecast.
            with suppress(OSError):
                partial.unlink(missing_ok=True)

    def _read(self, path: Path) -> bytes | None:
        try:
            stored = path.read_bytes()
        except OSError:
            return None
        # The oldest files are dropped first. Another account's file cannot be touched, but may be
        # read.
        with suppress(OSError):
            os.utime(path)
        seal, data = stored[:32], stored[32:]
        return data if hmac.compare_digest(self._seal(path, data), seal) else None

    def _seal(self, path: Path, data: bytes) -> bytes:
        """32 bytes that only this content under this name has."""
        if self._key is None:
            return hashlib.sha256(data).digest()
        # The name says what the file was made from: a sealed file must not stand for another.
        sealed = hmac.new(self._key, f"fit {path.name}\n".encode(), hashlib.sha256)
        sealed.update(data)
        return sealed.digest()

    def _drop_oldest(self) -> None:
        # With what killed writers left partial, or that would pile up.
        stored = sorted(self.folder.iterdir(), key=lambda path: path.stat().st_mtime)
        for old in stored[:-MOST_FILES]:
            old.unlink(missing_ok=True)


def _trees(data: bytes | None) -> Trees | None:
    """The trees in a file; None for whatever cannot be read, which is fitted again."""
    if data is None:
        return None
    try:
        return unpack_trees(data)
    except Exception:
        return None


def _key(name: str, fit: FitFunction, X: Floats, y: Floats, horizon: int) -> str:
    """A hash of the rows, of the source of the module that fits them and of its libraries."""
    libraries = [_installed(library) for library in LIBRARIES]
    code = inspect.getsource(inspect.getmodule(fit) or type(fit))
    return _digest(repr((name, horizon, libraries, code)).encode(), X, y)


def _digest(head: bytes, X: Floats | Singles, *rest: Floats) -> str:
    # BLAKE2b is faster than SHA-256: a quarter of a gigabyte is hashed in each run of a pool.
    digest = hashlib.blake2b(head + repr(X.shape).encode(), digest_size=32)
    for start in range(0, len(X), CHUNK):
        # Inputs are stored in single precision: nothing is lost, and half as much is hashed.
        digest.update(np.ascontiguousarray(X[start : start + CHUNK], dtype=np.float32).data)
    for array in rest:
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
