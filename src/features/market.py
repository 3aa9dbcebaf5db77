"""Compute the model inputs that need a pool: the market's state, and places among its tickers.

They are functions of stored rows alone (closes, log returns, stored inputs), the same for training,
backtest, leakage check and serving. A market function takes the pool's market returns m, (T,), and
gives (T,); its windows count the sessions that have a market. The others take a ``Pool`` and give
(T, N). The value at row t uses rows up to and including t; NaN where a window is not full, fewer
than five tickers are there, or the session is not complete.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from src.core.arrays import Bools, Floats, Singles
from src.features import rolling
from src.features.time_series import DECAY, TINY_VARIANCE, WARM_UP, decayed_volatility

Kind = Literal["time_series", "market", "cross_section"]

# Fewer tickers are no market, and a rank among them has no meaning.
MIN_TICKERS = 5


@dataclass(frozen=True, eq=False)
class ModelFeature:
    """One input of models.

    Attributes:
        name: Of the input.
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
    """What the inputs of a pool are computed from.

    Attributes:
        close: Adjusted closes, NaN without a bar; (T, N).
        market: Equal-weight mean of the log returns; (T,), NaN where fewer than ``MIN_TICKERS``
            have one and on sessions that are not complete.
        complete: Which sessions are; (T,).
        inputs: The stored inputs of each ticker by itself, by name; (T, N) each.
    """

    close: Floats
    market: Floats
    complete: Bools
    inputs: Mapping[str, Singles]
    _newest: dict[ModelFeature, Singles] = field(default_factory=dict, init=False, repr=False)

    def matrix(self, feature: ModelFeature) -> Singles:
        """A feature of every ticker and session; (T, N), read only, NaN where it is not known.

        Only the last one is kept, for its rank, which comes next: each is as large as the closes.
        """
        if feature not in self._newest:
            values = np.asarray(self._computed(feature), dtype=np.float32)
            values.setflags(write=False)
            self._newest.clear()
            self._newest[feature] = values
        return self._newest[feature]

    def _computed(self, feature: ModelFeature) -> Floats | Singles:
        if feature.kind == "time_series":
            return self.inputs[feature.name]
        if feature.kind == "market":
            state = feature.compute(self.market)[:, None]
            return np.where(np.isfinite(self.close), state, np.nan)
        return feature.compute(self)


def build_pool(
    close: Floats, log_returns: Floats, complete: Bools, inputs: Mapping[str, Singles]
) -> Pool:
    """The pool of stored columns, (T, N); see ``Pool``. Log returns are since the bar before."""
    return Pool(close, market_returns(log_returns, complete), complete, inputs)


def market_returns(log_returns: Floats, complete: Bools) -> Floats:
    """Mean log return per session over the tickers that have one; (T,)."""
    sums, counts = np.zeros(len(complete)), np.zeros(len(complete))
    # Ticker by ticker: the order of a sum must not depend on how a matrix lies in memory.
    for column in log_returns.T:
        known = np.isfinite(column)
        sums[known] += column[known]
        counts += known
    return np.where((counts >= MIN_TICKERS) & complete, sums / np.maximum(counts, 1), np.nan)


def matrices(pool: Pool, wanted: Iterable[ModelFeature]) -> Iterator[tuple[str, Singles]]:
    """Name and matrix of each feature in turn, so that not all need be in memory."""
    for feature in wanted:
        yield feature.name, pool.matrix(feature)


def market_return(market: Floats, span: int) -> Floats:
    """Sum of the last ``span`` m over (market s_t sqrt span), s as of a ticker's volatility."""

    def scaled(m: Floats) -> Floats:
        return rolling.ratio(rolling.total(m, span), np.sqrt(_variance(m)) * np.sqrt(span))

    return _on_market_sessions(market, scaled)


def market_volatility(market: Floats) -> Floats:
    """.5 ln(mean of m^2 with weights .94^age + 1e-8)."""
    return _on_market_sessions(market, _log_volatility)


def market_volatility_change(market: Floats, window: int) -> Floats:
    """``market_volatility`` less its own mean over ``window`` sessions."""

    def change(m: Floats) -> Floats:
        logs = _log_volatility(m)
        return logs - rolling.mean(logs, window)

    return _on_market_sessions(market, change)


def beta(pool: Pool, window: int) -> Floats:
    """Slope of the ticker's returns on the market's over ``window`` pairs; (T, N).

    Both returns of a pair run between the same two sessions: those with a bar and a market.
    """
    return _with_market(pool, lambda _, r, m: _slope(r, m, window))


def residual(pool: Pool, span: int, window: int) -> Floats:
    """Return of ``span`` pairs that beta does not explain, over (s_t sqrt span); (T, N).

    (sum of r - beta_t sum of m) / (s_t sqrt span), with the ``beta`` of ``window`` pairs.
    """

    def scaled(s: Floats, r: Floats, m: Floats) -> Floats:
        unexplained = rolling.total(r, span) - _slope(r, m, window) * rolling.total(m, span)
        return rolling.ratio(unexplained, s * np.sqrt(span))

    return _with_market(pool, scaled)


def rank_of(pool: Pool, feature: ModelFeature) -> Floats:
    """The ``ranks`` of a feature on complete sessions; (T, N)."""
    return ranks(np.where(pool.complete[:, None], pool.matrix(feature), np.nan))


def ranks(values: Floats | Singles) -> Floats:
    """Rank within each session from -.5 (lowest) to .5 (highest), ties sharing their mean; (T, N).

    Over the tickers with a finite value, at least ``MIN_TICKERS`` of them.
    """
    out = np.full(values.shape, np.nan)
    wide = np.isfinite(values).sum(axis=1) >= MIN_TICKERS
    out[wide] = _ranked(values[wide])
    return out


def _ranked(values: Floats | Singles) -> Floats:
    known = np.isfinite(values)
    counts = known.sum(axis=1, keepdims=True)
    # Sorts last, as NaN would, and three times as fast.
    ordered = np.where(known, values, np.inf)
    order = np.argsort(ordered, axis=1)
    ordered = np.take_along_axis(ordered, order, axis=1)
    tied = ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] < np.inf)).any(axis=1)
    place, last = np.arange(values.shape[1], dtype=np.float64), np.maximum(counts - 1, 1)
    places = place / last - 0.5
    places[tied] = _shared_places(ordered[tied]) / last[tied] - 0.5
    places[place >= counts] = np.nan
    out = np.empty(values.shape)
    np.put_along_axis(out, order, places, axis=1)
    return out


def _shared_places(ordered: Floats | Singles) -> Floats:
    """Mean place of each run of equal values in sorted rows."""
    places = np.arange(ordered.shape[1])
    breaks = ordered[:, 1:] != ordered[:, :-1]
    edge = np.ones((len(ordered), 1), dtype=bool)
    firsts = np.where(np.hstack([edge, breaks]), places, 0)
    lasts = np.where(np.hstack([breaks, edge]), places, places[-1])
    first = np.maximum.accumulate(firsts, axis=1)
    last = np.minimum.accumulate(lasts[:, ::-1], axis=1)[:, ::-1]
    return (first + last) / 2


def _on_market_sessions(market: Floats, compute: Callable[[Floats], Floats]) -> Floats:
    """``compute`` over the sessions that have a market; NaN on the others."""
    out = np.full(market.size, np.nan)
    known = np.isfinite(market)
    out[known] = compute(market[known])
    return out


def _variance(m: Floats) -> Floats:
    return rolling.decayed_mean(np.square(m), DECAY, WARM_UP)


def _log_volatility(m: Floats) -> Floats:
    return 0.5 * rolling.log(_variance(m) + TINY_VARIANCE)


def _slope(r: Floats, m: Floats, window: int) -> Floats:
    """Covariance over variance of the last ``window`` pairs, NaN for an m that does not vary."""
    mean_r, mean_m = rolling.mean(r, window), rolling.mean(m, window)
    squares = rolling.mean(m * m, window)
    variance = squares - mean_m**2
    variance = np.where(variance > rolling.ROUNDING * squares, variance, np.nan)
    return (rolling.mean(r * m, window) - mean_r * mean_m) / variance


def _with_market(pool: Pool, compute: Callable[[Floats, Floats, Floats], Floats]) -> Floats:
    """``compute(s, returns, market returns)`` of each ticker over its sessions with a market."""
    known = np.isfinite(pool.market)
    market = np.append(np.where(known, pool.market, 0.0), 0.0)

    def of_ticker(close: Floats) -> Floats:
        bars = np.flatnonzero(np.isfinite(close))
        logs = rolling.log(close[bars])
        common = known[bars]
        sessions, level = bars[common], logs[common]
        r = rolling.pad_front(np.diff(level), level.size)
        # What the market moved since the session before, summed from that one on: by a running
        # total the last bits would depend on where the series begins.
        m = rolling.pad_front(np.add.reduceat(market, sessions + 1)[:-1], level.size)
        s = decayed_volatility(logs - rolling.lag(logs, 1))
        out = np.full(close.size, np.nan)
        out[sessions] = compute(s[common], r, m)
        return out

    return np.stack([of_ticker(close) for close in np.ascontiguousarray(pool.close.T)], axis=1)
