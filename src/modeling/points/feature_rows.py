"""Gather the inputs of models of some tickers and sessions, in the order of models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from src.core.arrays import Bools, Floats, Ints, Singles
from src.modeling.points.session_ranks import SessionRanks

# Rows that are copied at a time, few enough to stay in a processor's cache, and inputs.
CHUNK, TOGETHER = 4_096, 8


@dataclass(frozen=True, eq=False)
class GatheredRows:
    """Inputs of some rows that are gathered as they are sliced, like a matrix (positions, names).

    So that a fit that needs a few rows at a time, or the newest alone, has no other in memory.
    """

    features: FeatureRows
    positions: Ints

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and inputs."""
        return self.positions.size, len(self.features.names)

    def __len__(self) -> int:
        return int(self.positions.size)

    def __getitem__(self, part: slice) -> Singles:
        return self.features.take(self.positions[part])


# What models are fitted to: of a slice of rows it gives the matrix.
InputRows = Floats | Singles | GatheredRows


@dataclass(eq=False)
class FeatureRows:
    """Model inputs of the tickers and complete sessions of a panel, by session and then by ticker.

    A row for each that has all inputs of the ticker by itself. The inputs that need a pool may be
    missing: where there are too few tickers, or too few sessions with a market.

    Attributes:
        rows: Session of each, as a row of the panel; (n,).
        columns: Ticker of each, as a column of the panel; (n,).
        names: Of the inputs, in the order of models.
        complete: Whether a row has all of them; (n,).
        stored: Inputs of tickers by themselves, a row a bar, by ``stored_names``.
        bars: Position of each row in ``stored``; (n,).
        pooled: Those of the other inputs that are no ranks, by ``pooled_names``; (pooled, bars).
        ranks: Makes the ranks; None where there are none.
    """

    rows: Ints
    columns: Ints
    names: tuple[str, ...]
    complete: Bools
    stored_names: tuple[str, ...]
    stored: Singles
    bars: Ints
    pooled_names: tuple[str, ...]
    pooled: Singles
    ranks: SessionRanks | None

    def take(self, positions: Ints) -> Singles:
        """The inputs of some rows; (positions, names), NaN where a row lacks one."""
        out = np.empty((positions.size, len(self.names)), dtype=np.float32)
        self._fill(out, positions)
        return out

    def of_every(self, step: int) -> FeatureRows:
        """The rows of every ``step``-th of the sessions that have rows, the newest included."""
        sessions = np.unique(self.rows)
        return self._kept(np.isin(self.rows, sessions[::-1][::step]))

    def every(self, step: int) -> FeatureRows:
        """Every ``step``-th row, the last included."""
        kept = np.zeros(self.rows.size, dtype=bool)
        kept[::-1][::step] = True
        return self._kept(kept)

    def _kept(self, kept: Bools) -> FeatureRows:
        return replace(
            self,
            rows=self.rows[kept],
            columns=self.columns[kept],
            complete=self.complete[kept],
            bars=self.bars[kept],
        )

    def by_name(self) -> Iterator[tuple[str, Singles]]:
        """Each input by name; (n,), NaN where a row lacks it."""
        for first in range(0, len(self.names), TOGETHER):
            names = self.names[first : first + TOGETHER]
            yield from zip(names, self._columns(names), strict=True)

    def _columns(self, names: Sequence[str]) -> Singles:
        """Some inputs; (names, n). A row of ``stored`` is read once for all of them."""
        out = np.empty((len(names), self.rows.size), dtype=np.float32)
        by_ticker = [place for place, name in enumerate(names) if name in self.stored_names]
        numbers = [self.stored_names.index(names[place]) for place in by_ticker]
        out[by_ticker] = self.stored[self.bars[:, None], numbers].T
        for place, name in enumerate(names):
            if name in self.pooled_names:
                out[place] = self.pooled[self.pooled_names.index(name)][self.bars]
            elif self.ranks is not None and name in self.ranks.names:
                out[place] = self.ranks.column(name, self.bars)
        return out

    @cached_property
    def without_pool(self) -> FeatureRows:
        """All rows, with the inputs of the tickers by themselves alone."""
        complete = np.ones_like(self.complete)
        return replace(self, names=self.stored_names, complete=complete, ranks=None)

    def let_go(self) -> None:
        """Give the memory of the inputs back; which rows there are can still be read."""
        if "without_pool" in vars(self):
            self.without_pool.let_go()
        del self.stored, self.pooled, self.ranks

    def _fill(self, out: Singles, positions: Ints) -> None:
        place = {name: column for column, name in enumerate(self.names)}
        for start in range(0, positions.size, CHUNK):
            bars = self.bars[positions[start : start + CHUNK]]
            rows, stored = slice(start, start + bars.size), self.stored[bars]
            for name, values in zip(self.stored_names, stored.T, strict=True):
                out[rows, place[name]] = values
            for name, values in zip(self.pooled_names, self.pooled, strict=True):
                if name in place:
                    out[rows, place[name]] = values[bars]
            if self.ranks is not None:
                columns = [place[name] for name in self.ranks.names]
                out[rows, columns] = self.ranks.take(bars).T
