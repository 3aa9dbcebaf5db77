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
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from weakref import WeakKeyDictionary

import numpy as np

from src.config.version import installed_version
from src.core.arrays import Floats, Ints, Singles
from src.features import catalogue, market
from src.modeling.points import boosting, session_ranks
from src.modeling.points.feature_rows import FeatureRows
from src.modeling.points.folds import Fitting, FoldForecast, FoldRows
from src.registry.formats.models import pack, unpack_trees
from src.registry.formats.trees import Trees

# Fits of two pools over twenty years, and the predictions of each.
MOST_FILES = 96
# Libraries whose version decides the result of a fit; not all need be installed.
LIBRARIES = ("numpy", "scikit-learn", "lightgbm")


class FitCache:
    """Remembers nothing."""

    def find(self, fitting: Fitting, fold: FoldRows) -> FoldForecast | None:
        """A fold's model and its forecasts of the test rows; None where it must be fitted."""

    def keep(self, fitting: Fitting, fold: FoldRows, forecast: FoldForecast) -> None:
        """Remember what was fitted."""


NO_FIT_CACHE = FitCache()


class DiskFitCache(FitCache):
    """Remembers fits whose result is ``Trees`` on disk, and their forecasts.

    Args:
        folder: Of the files; created when first needed.
        key: Seals the files; without one only damage is noticed.
        more_files: How many are kept beside those of the pools' own candidates.
    """

    def __init__(self, folder: Path, key: bytes | None = None, more_files: int = 0) -> None:
        self.folder, self._key = folder, key
        self._most_files = MOST_FILES + more_files
        # Rows are as large as all else of a large pool: the cache must not keep them.
        self._digests: WeakKeyDictionary[FeatureRows, SessionDigests] = WeakKeyDictionary()

    def find(self, fitting: Fitting, fold: FoldRows) -> FoldForecast | None:
        """See FitCache; forecasts that a stored model lacks are made and stored."""
        of_fit = self._fit_name(fitting, fold)
        model = _trees(self._read(self.folder / of_fit))
        if model is None:
            return None
        if not fold.test.size:
            return FoldForecast(model, np.empty(0))
        stored = self._stored_forecasts(of_fit, fold, fold.test)
        if stored is not None:
            return FoldForecast(model, stored)
        # Of a fold that has grown by a session, those of before stand.
        sessions = fold.features.rows[fold.test]
        earlier = fold.test[sessions < sessions[-1]]
        before = self._stored_forecasts(of_fit, fold, earlier) if earlier.size else None
        before = np.empty(0) if before is None else before
        newer = replace(fold, test=fold.test[before.size :])
        predicted = np.concatenate([before, newer.forecast(model)])
        self._write_forecasts(of_fit, fold, predicted)
        return FoldForecast(model, predicted)

    def keep(self, fitting: Fitting, fold: FoldRows, forecast: FoldForecast) -> None:
        """See FitCache."""
        if isinstance(forecast.model, Trees):
            of_fit = self._fit_name(fitting, fold)
            self._write(self.folder / of_fit, pack(forecast.model))
            self._write_forecasts(of_fit, fold, forecast.points)

    def _write_forecasts(self, of_fit: str, fold: FoldRows, points: Floats) -> None:
        if fold.test.size:
            self._write(self._path(of_fit, fold, fold.test), points.tobytes())

    def _stored_forecasts(self, of_fit: str, fold: FoldRows, test: Ints) -> Floats | None:
        stored = self._read(self._path(of_fit, fold, test))
        if stored is None or len(stored) != 8 * test.size:
            return None
        return np.frombuffer(stored)

    def _path(self, of_fit: str, fold: FoldRows, test: Ints) -> Path:
        inputs = self._digests_of(fold.features).up_to(int(test[-1]))
        return self.folder / _digest(of_fit.encode(), inputs, test)

    def _fit_name(self, fitting: Fitting, fold: FoldRows) -> str:
        return _key(fitting, fold, self._digests_of(fold.features))

    def _digests_of(self, features: FeatureRows) -> SessionDigests:
        """Folds of one walk-forward share their rows, which are hashed once."""
        if features not in self._digests:
            self._digests[features] = SessionDigests(features)
        return self._digests[features]

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
        for old in stored[: -self._most_files]:
            old.unlink(missing_ok=True)


def _trees(data: bytes | None) -> Trees | None:
    """The trees in a file; None for whatever cannot be read, which is fitted again."""
    if data is None:
        return None
    try:
        return unpack_trees(data)
    except Exception:
        return None


class SessionDigests:
    """Digests of the inputs of all rows up to one, each session hashed once.

    Training rows of a fold contain those of the folds before: hashed fold by fold, a pool's history
    would be hashed once for each of its years.
    """

    def __init__(self, features: FeatureRows) -> None:
        names = features.names, features.stored_names, features.pooled_names
        self._firsts = np.flatnonzero(np.diff(features.rows, prepend=-1))
        ends = np.append(self._firsts[1:], features.rows.size)
        digest = hashlib.blake2b(repr(names).encode(), digest_size=32)
        self._seen = []
        for first, end in zip(self._firsts.tolist(), ends.tolist(), strict=True):
            for part in _contents(features, first, end):
                digest.update(len(part).to_bytes(8))
                digest.update(part.data)
            self._seen.append(digest.copy().digest())

    def up_to(self, position: int) -> bytes:
        """Of all sessions up to that of the row at a position."""
        return self._seen[int(np.searchsorted(self._firsts, position, side="right")) - 1]


def _contents(features: FeatureRows, first: int, end: int) -> Iterator[Ints | Singles]:
    """What the inputs of the rows of one session follow from."""
    bars = features.bars[first:end]
    yield features.columns[first:end]
    if features.ranks is not None:
        # Of the session's other bars too: ranks are among them.
        yield from features.ranks.contents(int(features.ranks.stored.rows[bars[0]]))
    else:
        yield features.stored[bars]
        yield np.ascontiguousarray(features.pooled[:, bars])


def _key(fitting: Fitting, fold: FoldRows, digests: SessionDigests) -> str:
    """A hash of the rows, of the code that ranks and fits them and of its libraries."""
    libraries = [installed_version(library) for library in LIBRARIES]
    modules = (
        inspect.getmodule(fitting.fit) or type(fitting.fit),
        boosting,
        market,
        session_ranks,
    )
    code = [inspect.getsource(module) for module in modules]
    head = repr((fitting.name, fold.horizon, libraries, catalogue.version(), code)).encode()
    train = fold.train
    return _digest(head, digests.up_to(int(train[-1])), train, fold.targets[train])


def _digest(*parts: bytes | Ints | Floats) -> str:
    # BLAKE2b is faster than SHA-256.
    digest = hashlib.blake2b(digest_size=32)
    for part in parts:
        data = part if isinstance(part, bytes) else np.ascontiguousarray(part).data
        digest.update(len(data).to_bytes(8))
        digest.update(data)
    return digest.hexdigest()
