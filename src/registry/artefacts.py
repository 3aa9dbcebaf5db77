"""A trained model in, verified files out, and back.

    models/TCS.NS/short/CURRENT              name of the live set
    models/TCS.NS/short/<digest>/            a set: complete before it has this name, then fixed
                        manifest.json        SHA-256 and size of each file, and where it came from
                        model.skops          the model's parameters

``<digest>`` is the SHA-256 of manifest.json. A set is written aside, made durable and renamed;
replacing CURRENT is the one step that makes it live. So a reader sees the old set or the new one,
and after a kill at any instant one of them loads.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import shutil
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

from src.core.errors import BadInput, ForecastError
from src.registry import durable
from src.registry.model_file import (
    MODEL,
    Model,
    canonical_hash,
    canonical_json,
    pack,
    unpack,
)
from src.registry.trees import Trees

HORIZONS = ("short", "long")
CURRENT, MANIFEST = "CURRENT", "manifest.json"

_DIGEST = re.compile(r"[0-9a-f]{64}")
_TICKER = re.compile(r"[A-Za-z0-9^&=_-][A-Za-z0-9^&=._-]{0,31}")


class NoModel(ForecastError):
    """There is no model yet: run `python -m mlops.pipeline` first."""


class CorruptArtefact(ForecastError):
    """The model's files are damaged: train again, or roll back."""


def environment() -> dict[str, str]:
    """Versions that can change a number, without importing what they are of."""
    packages = ("numpy", "scikit-learn", "skops")
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        **{name: installed(name) for name in packages},
    }


@dataclass(frozen=True, eq=False)
class Artefact:
    """A candidate for one ticker and horizon, what was learnt about it, and what is served.

    Attributes:
        horizon: ``short`` or ``long``; ``sessions`` is how far ahead that is.
        served: Name of the model that answers: ``zero`` unless the candidate won the gate.
        since: The session at whose close that was decided, ISO 8601; empty when it never was.
        verdict: ``better``, ``worse``, ``undecided`` or ``none``; ``reason`` is its sentence.
        evidence: What the verdict rests on: name, value, limit, passed.
        metrics: Rows of ``scoring.table``, of the ticker itself.
        pool: ``tickers`` it was judged with, and their ``metrics``.
        trials: Configurations tried before this one was reported.
        trained_at: UTC, ISO 8601.
        digest: SHA-256 of the manifest; empty until stored.

    Raises:
        ValueError: For an unknown horizon, or a candidate served that was never promoted.
    """

    ticker: str
    horizon: str
    sessions: int
    candidate: str
    model: Model
    features_version: str
    trained_at: str
    code_version: str
    data_hash: str
    config_hash: str
    verdict: str = "none"
    reason: str = ""
    served: str = "zero"
    since: str = ""
    trials: int = 1
    evidence: Sequence[Mapping[str, Any]] = ()
    pool: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    metrics: Sequence[Mapping[str, Any]] = ()
    environment: Mapping[str, str] = field(default_factory=environment)
    digest: str = ""

    def __post_init__(self) -> None:
        if self.horizon not in HORIZONS or self.sessions < 1:
            raise ValueError(f"unknown horizon {self.horizon!r}, {self.sessions} sessions")
        won = self.served == self.candidate and self.since and self.verdict != "worse"
        if self.served != "zero" and not won:
            raise ValueError(f"{self.served!r} is served but was never promoted")


def save(root: Path, artefact: Artefact) -> Path:
    """Store a set and make it the live one; returns its directory, named by its digest.

    Raises:
        BadInput: For a ticker that cannot be a directory name.
    """
    folder = _folder(root, artefact.ticker, artefact.horizon)
    durable.make(folder)
    model = pack(artefact.model)
    manifest = canonical_json(_described(artefact, {MODEL: model}))
    digest = _sha256(manifest)
    with durable.alone(folder):
        _place(folder, digest, {MODEL: model, MANIFEST: manifest})
        _point(folder, digest)
    return folder / digest


def load(root: Path, ticker: str, horizon: str, *, expected: str | None = None) -> Artefact:
    """Read the live set, every byte checked against the manifest before any is interpreted.

    ``expected`` is the digest that the audit says is live, if it is known.

    Raises:
        NoModel: When none was ever saved.
        CorruptArtefact: When a file is missing, changed, or holds anything but a model.
        BadInput: For a ticker that cannot be a directory name.
    """
    folder = _folder(root, ticker, horizon)
    digest = _live(folder)
    if expected is not None and digest != expected:
        raise CorruptArtefact(f"{folder} holds model {digest[:12]}, but {expected[:12]} is live.")
    try:
        return _read(folder, digest)
    except CorruptArtefact:
        # A set may be pruned between the two reads, but never while CURRENT names it.
        again = _live(folder)
        if again == digest or expected is not None:
            raise
        return _read(folder, again)


def activate(root: Path, ticker: str, horizon: str, digest: str) -> Artefact:
    """Make a stored set the live one again, once it has been read whole.

    Raises:
        CorruptArtefact: When that set is missing or damaged; the live one stays.
    """
    folder = _folder(root, ticker, horizon)
    artefact = _read(folder, digest)
    with durable.alone(folder):
        _point(folder, digest)
    return artefact


def prune(root: Path, ticker: str, horizon: str, *, keep: Collection[str]) -> list[str]:
    """Remove the sets that are neither live nor in ``keep``; returns their digests."""
    folder = _folder(root, ticker, horizon)
    if not folder.is_dir():
        return []
    with durable.alone(folder):
        kept = {*keep, _live(folder)}
        stored = [path.name for path in folder.iterdir() if _DIGEST.fullmatch(path.name)]
        gone = sorted(set(stored) - kept)
        for digest in gone:
            shutil.rmtree(folder / digest)
    return gone


def _folder(root: Path, ticker: str, horizon: str) -> Path:
    if not _TICKER.fullmatch(ticker) or ".." in ticker or horizon not in HORIZONS:
        raise BadInput(f"{ticker!r}, {horizon!r} cannot name a model's directory.")
    return root / ticker / horizon


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _described(artefact: Artefact, files: Mapping[str, bytes]) -> dict[str, Any]:
    """The manifest: everything about the artefact but the parameters themselves."""
    told = {name: value for name, value in vars(artefact).items() if name not in _UNTOLD}
    return {
        **told,
        "features": list(artefact.model.features),
        "canonical_hash": canonical_hash(artefact.model),
        "files": {name: {"sha256": _sha256(b), "size": len(b)} for name, b in files.items()},
    }


_UNTOLD = ("model", "digest")
_DERIVED = ("features", "canonical_hash", "files")


def _place(folder: Path, digest: str, files: Mapping[str, bytes]) -> None:
    """Put a complete, durable set under its final name."""
    try:
        _read(folder, digest)
    except CorruptArtefact:
        shutil.rmtree(folder / digest, ignore_errors=True)
    else:
        return
    aside = folder / f"{durable.ASIDE}{uuid.uuid4().hex}"
    aside.mkdir()
    for name, data in files.items():
        durable.write(aside / name, data)
    durable.sync(aside)
    aside.rename(folder / digest)
    durable.sync(folder)


def _point(folder: Path, digest: str) -> None:
    aside = folder / f"{durable.ASIDE}{uuid.uuid4().hex}"
    durable.write(aside, f"{digest}\n".encode())
    aside.replace(folder / CURRENT)
    durable.sync(folder)


def _live(folder: Path) -> str:
    try:
        return (folder / CURRENT).read_text(errors="replace").strip()
    except FileNotFoundError:
        raise NoModel(
            f"There is no {folder.name} model for {folder.parent.name} yet: "
            "run `python -m mlops.pipeline` first."
        ) from None
    except OSError as error:
        raise _corrupt(folder, error) from error


def _read(folder: Path, digest: str) -> Artefact:
    """The set of that digest, or CorruptArtefact with what is wrong."""
    # Whatever a damaged or forged file raises on its way in, the answer is the same.
    try:
        return _verified(folder, digest)
    except Exception as error:
        raise _corrupt(folder, error) from error


def _corrupt(folder: Path, error: Exception) -> CorruptArtefact:
    why = " ".join(str(error).split()) or type(error).__name__
    return CorruptArtefact(
        f"The model in {folder} cannot be used ({why}): train again, or roll back."
    )


def _verified(folder: Path, digest: str) -> Artefact:
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"{CURRENT} names no set")
    manifest = (folder / digest / MANIFEST).read_bytes()
    if _sha256(manifest) != digest:
        raise ValueError(f"{MANIFEST} was changed")
    told = json.loads(manifest)
    stated, data = told["files"][MODEL], (folder / digest / MODEL).read_bytes()
    if (_sha256(data), len(data)) != (stated["sha256"], stated["size"]):
        raise ValueError(f"{MODEL} is not the file that was saved")
    if (told["horizon"], told["ticker"]) != (folder.name, folder.parent.name):
        raise ValueError("it belongs to another ticker or horizon")
    model = unpack(data)
    if isinstance(model, Trees):
        raise ValueError(f"{MODEL} holds trees and no forecast")
    if canonical_hash(model) != told["canonical_hash"]:
        raise ValueError(f"{MANIFEST} describes another model")
    kept = {name: value for name, value in told.items() if name not in _DERIVED}
    return Artefact(**kept, model=model, digest=digest)
