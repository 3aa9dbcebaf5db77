"""Arrange the bars of many tickers as a pool, and its features as (T, N) matrices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np

from src.core.arrays import Bools, Floats
from src.core.tables import OHLCV
from src.features.bars import Bars
from src.features.time_series import log_return

Kind = Literal["time_series", "market", "cross_section"]

# Fewer tickers are no market, and a rank among them has no meaning.
MIN_TICKERS = 5


class Prices(Protocol):
    """Adjusted bars of N tickers in T sessions, (T, N) each, NaN without a bar."""

    @property
    def open(self) -> Floats:
        """First prices."""

    @property
    def high(self) -> Floats:
        """Highest prices."""

    @property
    def low(self) -> Floats:
        """Lowest prices."""

    @property
    def close(self) -> Floats:
        """Last prices, above zero exactly where there is a bar."""

    @property
    def volume(self) -> Floats:
        """Shares."""


@dataclass(frozen=True, eq=False)
class ModelFeature:
    """One input of models.

    Attributes:
        name: Its column.
        compute: By kind. ``time_series``: ``Bars`` to (n,). ``market``: the pool's market
            returns (T,) to (T,), the same for every ticker. ``cross_section``: ``Pool`` to
            (T, N), a ticker beside the others.
        lookback: Rows before t that its value needs: bars of the ticker, or sessions with a
            market. What decays (``rolling.decayed_sum``) is defined from there on and still
            depends on up to 512 rows.
        kind: Which of the three.
    """

    name: str
    compute: Callable[..., Floats]
    lookback: int
    kind: Kind


@dataclass(frozen=True, eq=False)
class Pool:
    """Bars of each ticker, without the sessions it has none for, and the market they make.

    Attributes:
        present: Which ticker has a bar in which session; (T, N).
        bars: One per ticker, in column order.
        market: Equal-weight mean of the log returns of the tickers with a bar, each since its
            bar before; (T,), NaN where fewer than ``MIN_TICKERS`` have one.
    """

    present: Bools
    bars: tuple[Bars, ...]
    market: Floats
    _newest: dict[ModelFeature, Floats] = field(default_factory=dict, init=False, repr=False)

    def to_matrix(self, columns: Iterable[Floats]) -> Floats:
        """One value a bar for each ticker, as (T, N); NaN without a bar, or not finite."""
        out = np.full(self.present.T.shape, np.nan)
        for row, present, values in zip(out, self.present.T, columns, strict=True):
            row[present] = np.where(np.isfinite(values), values, np.nan)
        return np.ascontiguousarray(out.T)

    def matrix(self, feature: ModelFeature) -> Floats:
        """A feature of every ticker and session; (T, N), read only.

        Only the last one is kept, for its rank, which comes next: each is as large as the closes.
        """
        if feature not in self._newest:
            values = self._computed(feature)
            values.setflags(write=False)
            self._newest.clear()
            self._newest[feature] = values
        return self._newest[feature]

    def _computed(self, feature: ModelFeature) -> Floats:
        if feature.kind == "time_series":
            return self.to_matrix(feature.compute(bars) for bars in self.bars)
        if feature.kind == "market":
            return np.where(self.present, feature.compute(self.market)[:, None], np.nan)
        return feature.compute(self)


def build_pool(prices: Prices) -> Pool:
    """The pool of the bars of (T, N) prices; a ticker may lack any session, or all."""
    present = np.isfinite(prices.close) & (prices.close > 0)
    fields = [np.ascontiguousarray(getattr(prices, name).T) for name in OHLCV]
    bars = tuple(
        Bars(*(values[column][rows] for values in fields)) for column, rows in enumerate(present.T)
    )
    return Pool(present, bars, market_returns(present, bars))


def market_returns(present: Bools, bars: tuple[Bars, ...]) -> Floats:
    """Mean log return per session over the tickers with a bar and one before it; (T,)."""
    sums, counts = np.zeros(len(present)), np.zeros(len(present))
    # Ticker by ticker: the order of a sum must not depend on how a matrix lies in memory.
    for column, ticker_bars in zip(present.T, bars, strict=True):
        rows = np.flatnonzero(column)[1:]
        sums[rows] += log_return(ticker_bars, 1)[1:]
        counts[rows] += 1
    return np.where(counts >= MIN_TICKERS, sums / np.maximum(counts, 1), np.nan)


def matrices(pool: Pool, wanted: Iterable[ModelFeature]) -> Iterator[tuple[str, Floats]]:
    """Name and matrix of each feature in turn, so that not all need be in memory."""
    for feature in wanted:
        yield feature.name, pool.matrix(feature)
