"""Hash the content of deliveries from files: equal for equal bytes, place and ticker."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from src.data.sources.delivery import Kind


class ContentHash:
    """The content hash of the deliveries of a table, once the digest of its file is known.

    Attributes:
        digest: SHA-256 of the file's bytes, which cannot be sent from process to process.
    """

    def __init__(self, place: str, kind: Kind) -> None:
        self._place, self._kind = place, kind
        self.digest: hashlib._Hash | None = None

    def __call__(self, ticker: str, symbols: Sequence[str]) -> str:
        """That of a ticker and its earlier symbols."""
        assert self.digest is not None  # noqa: S101 - set as soon as the file has been read
        return content_hash(self.digest, self._place, self._kind, ticker, symbols)


def content_hash(
    digest: hashlib._Hash, place: str, kind: Kind, ticker: str, symbols: Sequence[str]
) -> str:
    """Of one ticker's rows of a kind at a place in a file with this digest."""
    copied = digest.copy()  # a file of two thousand tickers is hashed once
    where = " ".join([place, *symbols]).strip()
    copied.update("\n".join(["", ticker, kind, *([where] if where else [])]).encode())
    return copied.hexdigest()
