"""Rank the tickers of a session by each of their inputs, for some sessions at a time.

Ranks are half of all inputs and follow from the others: made where they are needed, they take no
memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from src.core.arrays import Bools, Ints, Singles
from src.features.market import MIN_TICKERS, ranks
from src.modeling.panel.panel import StoredInputs

PREFIX = "rank_"


@dataclass(frozen=True, eq=False)
class SessionRanks:
    """Ranks of stored inputs, and of others that are known at the same bars.

    Attributes:
        names: Of the ranks, each ``PREFIX`` and the name of an input.
        stored: Inputs of tickers by themselves, by session and then by ticker.
        other_names, others: Of further inputs; (others, bars).
    """

    names: tuple[str, ...]
    stored: StoredInputs
    other_names: tuple[str, ...]
    others: Singles

    def take(self, bars: Ints) -> Singles:
        """Ranks at some bars of complete sessions, ascending; (names, bars)."""
        sessions, at = np.unique(self.stored.rows[bars], return_inverse=True)
        firsts, ends = self._bounds(sessions)
        every = np.concatenate([np.arange(*ends_of) for ends_of in zip(firsts, ends, strict=True)])
        row = np.repeat(np.arange(sessions.size), ends - firsts)
        values = np.full((len(self.names), sessions.size, self.stored.shape[1]), np.nan, "f4")
        columns, stored = self.stored.columns, self.stored.per_bar[every]
        for number, name in enumerate(self.names):
            values[number, row, columns[every]] = self._input(name, stored, every)
        ranked = ranks(values.reshape(-1, values.shape[2])).reshape(values.shape)
        return ranked[:, at, columns[bars]].astype(np.float32)

    def column(self, name: str, bars: Ints) -> Singles:
        """One rank at some bars of complete sessions; (bars,)."""
        rows, columns = self.stored.rows, self.stored.columns
        wanted = np.zeros(self.stored.shape[0], dtype=bool)
        wanted[rows[bars]] = True
        place, every = np.cumsum(wanted) - 1, wanted[rows]
        values = np.full((int(wanted.sum()), self.stored.shape[1]), np.nan, np.float32)
        inputs = self._input(name, self.stored.per_bar, slice(None))
        values[place[rows[every]], columns[every]] = inputs[every]
        ranked = ranks(values)[place[rows[bars]], columns[bars]]
        return np.asarray(ranked, dtype=np.float32)

    def known(self) -> Bools:
        """Sessions at which every input has a rank: of enough tickers; (T,)."""
        known = np.ones(self.stored.shape[0], dtype=bool)
        for name in self.names:
            finite = np.isfinite(self._input(name, self.stored.per_bar, slice(None)))
            counts = np.bincount(self.stored.rows[finite], minlength=known.size)
            known &= counts >= MIN_TICKERS
        return known

    def contents(self, session: int) -> tuple[Ints, Singles, Singles]:
        """Tickers and inputs of all bars of a session, which its ranks follow from."""
        (first,), (end,) = self._bounds(np.array([session]))
        others = np.ascontiguousarray(self.others[:, first:end])
        return self.stored.columns[first:end], self.stored.per_bar[first:end], others

    def _bounds(self, sessions: Ints) -> tuple[Ints, Ints]:
        """The first bar of each session and the one behind its last."""
        rows = self.stored.rows
        return np.searchsorted(rows, sessions), np.searchsorted(rows, sessions, side="right")

    def _input(self, name: str, stored: Singles, bars: Ints | slice) -> Singles:
        base = name.removeprefix(PREFIX)
        if base in self.stored.names:
            return stored[:, self.stored.names.index(base)]
        return self.others[self.other_names.index(base), bars]
