"""Store artifacts as verified files, and read them back.

    models/NSE/short/<digest>/                  a set: complete before it has this name, then fixed
                     manifest.json              SHA-256 and size of each file, kind and inputs of
                                                the model, and where it came from
                     manifest.sig               the manifest's signature, where keys are set
                     model.safetensors          the model's parameters
                     forecasts.parquet          the forecasts it was judged by

``<digest>`` is the SHA-256 of manifest.json. Which set of a pool and horizon is live is not
recorded here: the audit (``model_events``) alone says so, and names it by its digest.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.core.errors import one_line
from src.core.model_events import Pair
from src.registry.formats.models import MODEL, describe, pack, unpack
from src.registry.storage import model_set
from src.registry.storage.artifact import Artifact, CorruptArtifact, SignatureRefused
from src.registry.storage.model_set import canonical_json, folder_of
from src.registry.storage.signing import OtherKey, signing_keys

if TYPE_CHECKING:
    from src.config.settings import Settings

MODELS = Path("models")
FORECASTS = "forecasts.parquet"

_NOT_IN_MANIFEST = ("model", "forecasts", "digest")
# The models of sets from before models belonged to pools.
_OLD_MODEL = "model.skops"


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
            BadInput: For a pool that cannot be a folder name.
        """
        files = {MODEL: pack(artifact.model)}
        if artifact.forecasts:
            files[FORECASTS] = artifact.forecasts
        manifest = canonical_json(_manifest(artifact, files))
        digest = model_set.write(folder_of(self.root, *artifact.pair), manifest, files, self.keys)
        return replace(artifact, digest=digest)

    def load(self, pool: str, horizon: str, digest: str) -> Artifact:
        """Read a set but its forecasts, every byte checked before any is interpreted.

        Raises:
            CorruptArtifact: When a file is missing, changed, or holds anything but a model.
            BadInput: For a pool that cannot be a folder name.
        """
        return self._read((pool, horizon), digest, [MODEL])[0]

    def forecasts(self, pool: str, horizon: str, digest: str) -> bytes:
        """The forecasts that a set was judged by, as a Parquet file; empty where it has none.

        Raises:
            CorruptArtifact: When they are missing or changed.
            BadInput: For a pool that cannot be a folder name.
        """
        return self._read((pool, horizon), digest, [MODEL, FORECASTS])[1].get(FORECASTS, b"")

    def copy(self, pair: Pair, digest: str, target: ArtifactStore) -> Artifact:
        """Copy a set to another store, read whole and understood before it is copied.

        Raises:
            CorruptArtifact: As ``load``.
        """
        artifact, content = self._read(pair, digest)
        manifest = content.pop(model_set.MANIFEST)
        model_set.write(folder_of(target.root, *pair), manifest, content, target.keys)
        return artifact

    def stored(self) -> list[tuple[Pair, str]]:
        """Pool, horizon and digest of every set, live or not."""
        places = (path.parts[-3:] for path in sorted(self.root.glob("*/*/*")))
        return [
            ((pool, horizon), digest)
            for pool, horizon, digest in places
            if model_set.DIGEST.fullmatch(digest)
        ]

    def sign(self, pair: Pair, digest: str, *, accept_unsigned: bool) -> bool:
        """Sign a set with the first key, unless it did already; the caller writes alone.

        Args:
            pair: Pool and horizon.
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
        """Remove the sets of a pool and horizon that are not named; the caller writes alone."""
        model_set.remove_except(folder_of(self.root, *pair), keep)

    def _read(
        self, pair: Pair, digest: str, names: Collection[str] | None = None
    ) -> tuple[Artifact, dict[str, bytes]]:
        folder = folder_of(self.root, *pair)
        if not (folder / digest).is_dir():
            raise CorruptArtifact(
                f"The live model {digest[:12]} is missing from {folder}: train again, or roll back."
            )
        with _one_sentence_errors(folder):
            content = model_set.read(folder, digest, self.keys, names)
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


def refuse_old(files: Iterable[str]) -> None:
    """Raise ValueError for the files of a set, or of a version, of models of single tickers."""
    if any(path.rpartition("/")[2] == _OLD_MODEL for path in files):
        raise ValueError("it dates from before models belonged to pools")


def _manifest(artifact: Artifact, content: Mapping[str, bytes]) -> dict[str, Any]:
    """Everything about the artifact but the parameters themselves and the forecasts."""
    fields = {name: value for name, value in vars(artifact).items() if name not in _NOT_IN_MANIFEST}
    return {
        **fields,
        "model": describe(artifact.model),
        "files": model_set.file_list(content),
    }


def _artifact(folder: Path, digest: str, content: Mapping[str, bytes]) -> Artifact:
    manifest = json.loads(content[model_set.MANIFEST])
    files = manifest.pop("files")
    refuse_old(files)
    if (manifest["horizon"], manifest["pool"]) != (folder.name, folder.parent.name):
        raise ValueError("it belongs to another pool or horizon")
    if not {MODEL} <= set(files) <= {MODEL, FORECASTS}:
        raise ValueError(f"{model_set.MANIFEST} lists other files than those of a model")
    model = unpack(manifest.pop("model"), content[MODEL])
    return Artifact(**manifest, model=model, digest=digest)
