"""Sign all stored models and versions anew, after a signing key was set or replaced."""

from __future__ import annotations

from dataclasses import dataclass, field

from src.core.errors import BadInput, ForecastError
from src.registry.storage.files import only_writer
from src.registry.versions.rollback import Registry


@dataclass
class Signatures:
    """What became of the signatures.

    Attributes:
        written: Models and versions that the first key signed now.
        unchanged: Those that it had signed already.
        refused: A sentence for each that could not be signed.
    """

    written: int = 0
    unchanged: int = 0
    refused: list[str] = field(default_factory=list)

    def count(self, *, written: bool) -> None:
        """Add one that is signed."""
        if written:
            self.written += 1
        else:
            self.unchanged += 1


def sign_all(registry: Registry, *, accept_unsigned: bool) -> Signatures:
    """Sign with the first key what any of the keys signed.

    Args:
        registry: The models and versions.
        accept_unsigned: Whether those without a signature are signed too, if the audit names
            their digests.

    Raises:
        BadInput: No key is set.
    """
    store, archive, log = registry.models.store, registry.archive, registry.models.log
    if not store.keys:
        raise BadInput(
            "FORECAST_SIGNING_KEY is not set, so there is nothing to sign with: make a key with "
            "`openssl rand -hex 32`."
        )
    signatures = Signatures()
    with only_writer(store.root), only_writer(archive.root):
        known = log.digests() if accept_unsigned else frozenset()
        for pair, digest in store.stored():
            try:
                accept = digest in known
                signatures.count(written=store.sign(pair, digest, accept_unsigned=accept))
            except ForecastError as error:
                signatures.refused.append(str(error))
        for tag in archive.tags():
            trusted = registry.recorded_manifests(tag) if accept_unsigned else ()
            try:
                signatures.count(written=archive.sign(tag, trusted))
            except ForecastError as error:
                signatures.refused.append(str(error))
    return signatures
