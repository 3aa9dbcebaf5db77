"""A trained model in, verified files out, and back.

    models/CURRENT                           the live set of every ticker and horizon
    models/TCS.NS/short/<digest>/            a set: complete before it has this name, then fixed
                        manifest.json        SHA-256 and size of each file, and where it came from
                        manifest.sig         the manifest's signature, where a key is set
                        model.skops          the model's parameters

``<digest>`` is the SHA-256 of manifest.json. A set is written aside, made durable and renamed;
replacing CURRENT is the one step that makes sets live, however many. So a reader sees the old
sets or the new ones, and after a kill at any instant one of them loads.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from src.core.errors import ForecastError
from src.registry.formats.models import MODEL, canonical_hash, canonical_json, pack, unpack
from src.registry.formats.trees import Trees
from src.registry.storage import files as durable
from src.registry.storage import model_set, pointer
from src.registry.storage.artifact import Artifact
from src.registry.storage.model_set import HORIZONS, folder_of
from src.registry.storage.pointer import Pair

__all__ = [
    "CorruptArtifact",
    "NoModel",
    "activate",
    "canonical_hash",
    "load",
    "load_all",
    "place",
    "pointed",
    "prune",
    "read",
    "remove_sets",
    "save",
    "save_all",
]


class NoModel(ForecastError):
    """There is no model yet: run `python -m mlops.pipeline` first."""

    @classmethod
    def of(cls, ticker: str, horizon: str) -> NoModel:
        """The error that names the ticker and ``short`` or ``long``."""
        return cls(
            f"There is no {horizon} model for {ticker} yet: "
            f"run `python -m mlops.pipeline --ticker {ticker}` first."
        )


class CorruptArtifact(ForecastError):
    """The model's files are damaged: train again, or roll back."""


def save(root: Path, artifact: Artifact, *, key: bytes | None = None) -> Path:
    """Store a set and make it the live one; returns its directory, named by its digest.

    Raises:
        BadInput: For a ticker that cannot be a directory name.
    """
    (digest,) = save_all(root, [artifact], key=key)
    return folder_of(root, artifact.ticker, artifact.horizon) / digest


def save_all(root: Path, artifacts: Sequence[Artifact], *, key: bytes | None = None) -> list[str]:
    """Store sets and make all of them live in one step; returns their digests.

    Raises:
        BadInput: For a ticker that cannot be a directory name; nothing is stored then.
        CorruptArtifact: When CURRENT is damaged, so that it cannot be added to.
    """
    for one in artifacts:
        folder_of(root, one.ticker, one.horizon)
    durable.make(root)
    with durable.alone(root):
        live = pointed(root)
        digests = [place(root, one, key) for one in artifacts]
        new = {(a.ticker, a.horizon): d for a, d in zip(artifacts, digests, strict=True)}
        pointer.write(root, {**live, **new})
    return digests


def place(root: Path, artifact: Artifact, key: bytes | None = None) -> str:
    """Store a set without making it live; the caller holds the lock of ``root``."""
    files = {MODEL: pack(artifact.model)}
    manifest = canonical_json(_described(artifact, files))
    return model_set.place(folder_of(root, artifact.ticker, artifact.horizon), manifest, files, key)


def same(one: Artifact, other: Artifact) -> bool:
    """Whether two artifacts differ in nothing but when they were made, and where."""
    manifests = (
        _described(replace(made, trained_at="", environment={}), {MODEL: pack(made.model)})
        for made in (one, other)
    )
    return len({canonical_json(manifest) for manifest in manifests}) == 1


def load(
    root: Path,
    ticker: str,
    horizon: str,
    *,
    expected: str | None = None,
    key: bytes | None = None,
) -> Artifact:
    """Read the live set, every byte checked against the manifest before any is interpreted.

    ``expected`` is the digest that the audit says is live, if it is known: that set is read then,
    whatever CURRENT says. With ``key`` an unsigned set is refused.

    Raises:
        NoModel: When none was ever saved.
        CorruptArtifact: When a file is missing, changed, or holds anything but a model.
        BadInput: For a ticker that cannot be a directory name.
    """
    folder = folder_of(root, ticker, horizon)
    if expected is None:
        return _loaded(root, ticker, (horizon,), key)[horizon]
    if not (folder / expected).is_dir():
        raise CorruptArtifact(
            f"{folder} has no model {expected[:12]}, but the audit says that it is live: "
            "train again, or roll back."
        )
    return read(folder, expected, key)


def load_all(root: Path, ticker: str, *, key: bytes | None = None) -> dict[str, Artifact]:
    """Read the live sets of both horizons as they stood at one moment, by horizon.

    Raises:
        As ``load``.
    """
    return _loaded(root, ticker, HORIZONS, key)


def activate(
    root: Path, ticker: str, horizon: str, digest: str, *, key: bytes | None = None
) -> Artifact:
    """Make a stored set the live one again, once it has been read whole.

    Raises:
        CorruptArtifact: When that set is missing or damaged; the live one stays.
    """
    folder = folder_of(root, ticker, horizon)
    durable.make(root)
    with durable.alone(root):
        artifact = read(folder, digest, key)
        pointer.write(root, {**pointed(root), (ticker, horizon): digest})
    return artifact


def prune(root: Path, ticker: str, horizon: str, *, keep: Collection[str]) -> list[str]:
    """Remove the sets that are neither live nor in ``keep``; returns their digests."""
    folder = folder_of(root, ticker, horizon)
    if not folder.is_dir():
        return []
    with durable.alone(root):
        return remove_sets(root, (ticker, horizon), keep=keep)


def remove_sets(root: Path, pair: Pair, *, keep: Collection[str]) -> list[str]:
    """See ``prune``; the caller holds the lock of ``root``."""
    folder = folder_of(root, *pair)
    kept = {*keep, pointed(root).get(pair)}
    stored = [path.name for path in folder.iterdir() if model_set.DIGEST.fullmatch(path.name)]
    gone = sorted(set(stored) - kept)
    for digest in gone:
        shutil.rmtree(folder / digest)
    return gone


def pointed(root: Path) -> dict[Pair, str]:
    """What CURRENT says is live; see ``pointer.read``.

    Raises:
        CorruptArtifact: When it is damaged.
    """
    try:
        return pointer.read(root)
    except (OSError, ValueError) as error:
        raise CorruptArtifact(
            f"{root / pointer.CURRENT} cannot be used ({_why(error)}): roll back, or remove it "
            "and train again."
        ) from error


def read(folder: Path, digest: str, key: bytes | None = None) -> Artifact:
    """The set of that digest in the folder of its ticker and horizon.

    Raises:
        CorruptArtifact: With what is wrong.
    """
    # Whatever a damaged or forged file raises on its way in, the answer is the same.
    try:
        return _verified(folder, digest, key)
    except Exception as error:
        raise CorruptArtifact(
            f"The model in {folder} cannot be used ({_why(error)}): train again, or roll back."
        ) from error


def _loaded(
    root: Path, ticker: str, horizons: Sequence[str], key: bytes | None
) -> dict[str, Artifact]:
    live = _live(root, ticker, horizons)
    try:
        return {h: read(folder_of(root, ticker, h), live[h], key) for h in horizons}
    except CorruptArtifact:
        # A set may be pruned between the two reads, but never while CURRENT names it.
        again = _live(root, ticker, horizons)
        if again == live:
            raise
        return {h: read(folder_of(root, ticker, h), again[h], key) for h in horizons}


def _live(root: Path, ticker: str, horizons: Sequence[str]) -> dict[str, str]:
    live = pointed(root)
    for horizon in horizons:
        if (ticker, horizon) not in live:
            raise NoModel.of(ticker, horizon)
    return {horizon: live[ticker, horizon] for horizon in horizons}


def _described(artifact: Artifact, files: Mapping[str, bytes]) -> dict[str, Any]:
    """The manifest: everything about the artifact but the parameters themselves."""
    told = {name: value for name, value in vars(artifact).items() if name not in _UNTOLD}
    return {
        **told,
        "features": list(artifact.model.features),
        "canonical_hash": canonical_hash(artifact.model),
        "files": model_set.listed(files),
    }


_UNTOLD = ("model", "digest")
_DERIVED = ("features", "canonical_hash", "files")


def _verified(folder: Path, digest: str, key: bytes | None) -> Artifact:
    files = model_set.verified(folder, digest, key)
    told = json.loads(files[model_set.MANIFEST])
    if (told["horizon"], told["ticker"]) != (folder.name, folder.parent.name):
        raise ValueError("it belongs to another ticker or horizon")
    model = unpack(files[MODEL])
    if isinstance(model, Trees):
        raise ValueError(f"{MODEL} holds trees and no forecast")
    if canonical_hash(model) != told["canonical_hash"]:
        raise ValueError(f"{model_set.MANIFEST} describes another model")
    kept = {name: value for name, value in told.items() if name not in _DERIVED}
    return Artifact(**kept, model=model, digest=digest)


def _why(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
