"""Store artifacts as verified files, and read them back.

    models/TCS.NS/short/<digest>/            a set: complete before it has this name, then fixed
                        manifest.json        SHA-256 and size of each file, and where it came from
                        manifest.sig         the manifest's signature, where keys are set
                        model.skops          the model's parameters

``<digest>`` is the SHA-256 of manifest.json. Which set of a ticker and horizon is live is not
recorded here: the audit (``model_events``) alone says so, and names it by its digest.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.core.errors import one_line
from src.core.model_events import Pair
from src.registry.formats.models import MODEL, canonical_hash, canonical_json, pack, unpack
from src.registry.formats.trees import Trees
from src.registry.storage import model_set
from src.registry.storage.artifact import Artifact, CorruptArtifact, SignatureRefused
from src.registry.storage.model_set import folder_of
from src.registry.storage.signing import OtherKey, signing_keys

if TYPE_CHECKING:
    from src.config.settings import Settings

MODELS = Path("models")

_NOT_IN_MANIFEST = ("model", "digest")
_ONLY_IN_MANIFEST = ("features", "canonical_hash", "files")


@dataclass(frozen=True)
class ArtifactStore:
    """Model sets below ``root``.

    With ``keys`` the first signs, and sets that none of them signed are refused.
    """

    root: Path
    keys: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, settings: Settings) -> ArtifactStore:
        """The store of an installation, with its signing keys.

        Raises:
            BadConfig: For a key that is too short.
        """
        return cls(settings.home / MODELS, signing_keys(settings))

    def write(self, artifact: Artifact) -> Artifact:
        """Store a set without making it live; returned with its digest.

        The caller is the only writer to ``root``.

        Raises:
            BadInput: For a ticker that cannot be a folder name.
        """
        model = {MODEL: pack(artifact.model)}
        manifest = canonical_json(_manifest(artifact, model))
        digest = model_set.write(folder_of(self.root, *artifact.pair), manifest, model, self.keys)
        return replace(artifact, digest=digest)

    def load(self, ticker: str, horizon: str, digest: str) -> Artifact:
        """Read a set, every byte checked against the manifest before any is interpreted.

        Raises:
            CorruptArtifact: When a file is missing, changed, or holds anything but a model.
            BadInput: For a ticker that cannot be a folder name.
        """
        return self._read(ticker, horizon, digest)[0]

    def copy(self, pair: Pair, digest: str, target: ArtifactStore) -> Artifact:
        """Copy a set to another store, read whole and understood before it is copied.

        Raises:
            CorruptArtifact: As ``load``.
        """
        artifact, content = self._read(*pair, digest)
        manifest = content.pop(model_set.MANIFEST)
        model_set.write(folder_of(target.root, *pair), manifest, content, target.keys)
        return artifact

    def stored(self) -> list[tuple[Pair, str]]:
        """Ticker, horizon and digest of every set, live or not."""
        places = (path.parts[-3:] for path in sorted(self.root.glob("*/*/*")))
        return [
            ((ticker, horizon), digest)
            for ticker, horizon, digest in places
            if model_set.DIGEST.fullmatch(digest)
        ]

    def sign(self, pair: Pair, digest: str, *, accept_unsigned: bool) -> bool:
        """Sign a set with the first key, unless it did already; the caller writes alone.

        Args:
            pair: Ticker and horizon.
            digest: Of the set.
            accept_unsigned: Whether a set without a signature may be signed.

        Raises:
            SignatureRefused: None of the keys signed it so far.
            CorruptArtifact: It is damaged.
        """
        folder = folder_of(self.root, *pair)
        with _one_sentence_errors(folder):
            return model_set.sign(
                folder, digest, self.keys, aside=self.root, accept_unsigned=accept_unsigned
            )

    def remove_except(self, pair: Pair, keep: Collection[str]) -> None:
        """Remove the sets of a ticker and horizon that are not named; the caller writes alone."""
        model_set.remove_except(folder_of(self.root, *pair), keep)

    def _read(self, ticker: str, horizon: str, digest: str) -> tuple[Artifact, dict[str, bytes]]:
        folder = folder_of(self.root, ticker, horizon)
        if not (folder / digest).is_dir():
            raise CorruptArtifact(
                f"The live model {digest[:12]} is missing from {folder}: train again, or roll back."
            )
        with _one_sentence_errors(folder):
            content = model_set.read(folder, digest, self.keys)
            return _artifact(folder, digest, content), content


@contextmanager
def _one_sentence_errors(folder: Path) -> Iterator[None]:
    """Whatever a damaged or forged file raises while it is read, the answer is the same."""
    try:
        yield
    except OtherKey as error:
        raise SignatureRefused(
            f"The model in {folder} cannot be used ({error}): {error.advice}."
        ) from error
    except Exception as error:
        raise CorruptArtifact(
            f"The model in {folder} cannot be used ({one_line(error)}): train again, or roll back."
        ) from error


def same_content(first: Artifact, second: Artifact) -> bool:
    """Whether two artifacts differ in nothing but when they were made, and where."""
    manifests = (
        _manifest(replace(artifact, trained_at="", environment={}), {MODEL: pack(artifact.model)})
        for artifact in (first, second)
    )
    return len({canonical_json(manifest) for manifest in manifests}) == 1


def _manifest(artifact: Artifact, content: Mapping[str, bytes]) -> dict[str, Any]:
    """Everything about the artifact but the parameters themselves."""
    fields = {name: value for name, value in vars(artifact).items() if name not in _NOT_IN_MANIFEST}
    return {
        **fields,
        "features": list(artifact.model.features),
        "canonical_hash": canonical_hash(artifact.model),
        "files": model_set.file_list(content),
    }


def _artifact(folder: Path, digest: str, content: Mapping[str, bytes]) -> Artifact:
    manifest = json.loads(content[model_set.MANIFEST])
    if (manifest["horizon"], manifest["ticker"]) != (folder.name, folder.parent.name):
        raise ValueError("it belongs to another ticker or horizon")
    model = unpack(content[MODEL])
    if isinstance(model, Trees):
        raise ValueError(f"{MODEL} holds trees and no forecast")
    if canonical_hash(model) != manifest["canonical_hash"]:
        raise ValueError(f"{model_set.MANIFEST} describes another model")
    fields = {name: value for name, value in manifest.items() if name not in _ONLY_IN_MANIFEST}
    return Artifact(**fields, model=model, digest=digest)
