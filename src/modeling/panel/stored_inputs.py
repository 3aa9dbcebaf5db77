"""Keep the model inputs that tickers have by themselves as rows, and show them as matrices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from src.core.arrays import Ints, Singles


@dataclass(frozen=True, eq=False)
class StoredInputs(Mapping[str, Singles]):
    """What ``features_daily.inputs`` holds: a (T, N) matrix by name, NaN where it is not known.

    Kept as one row a bar, since young tickers would leave most of the matrices empty; a matrix is
    made at its first use.

    Attributes:
        names: In the order of ``per_bar``.
        rows, columns: Session and ticker of each bar, by session and then by ticker; (n,).
        per_bar: (n, names).
        shape: Of the matrices.
    """

    names: tuple[str, ...]
    rows: Ints
    columns: Ints
    per_bar: Singles
    shape: tuple[int, int]

    def __getitem__(self, name: str) -> Singles:
        out = np.full(self.shape, np.nan, dtype=np.float32)
        out[self.rows, self.columns] = self.per_bar[:, self.names.index(name)]
        return out

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def select(self, first: int, end: int, chosen: Ints) -> StoredInputs:
        """Those of the sessions from ``first`` to before ``end``, and of some tickers."""
        place = np.full(self.shape[1], -1)
        place[chosen] = np.arange(chosen.size)
        kept = (self.rows >= first) & (self.rows < end) & (place[self.columns] >= 0)
        return replace(
            self,
            rows=self.rows[kept] - first,
            columns=place[self.columns[kept]],
            per_bar=self.per_bar[kept],
            shape=(end - first, chosen.size),
        )
