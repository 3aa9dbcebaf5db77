"""Forecast the volatility of each ticker's next h sessions, walked forward.

One regression for all tickers of log variance on its own past, and another that knows the market
too, for sessions at which at least five tickers make one. A pool of one ticker works.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from src.core.arrays import Bools, Floats
from src.modeling.intervals import regressors
from src.modeling.intervals.conformal import REFRESH_EVERY
from src.modeling.intervals.regression import (
    MIN_DATES,
    REFIT_EVERY,
    Ridge,
    predict,
    refits,
)
from src.modeling.intervals.regressors import EWMA_ALPHA, MARKET_FROM, TINY
from src.modeling.panel import rolling
from src.modeling.panel.panel import Panel

# Of the ticker's median variance. Live tickers stay well above it, dead rows fall below.
FLOOR = 0.1
EWMA_FROM = 20
# Sessions after which a variance weighs half in the ticker's long-run variance.
LONG_HALF_LIFE = 750
LONG_FROM = 22
# Of the market's volatility and its mean over a year: about what fits of pools with a long history
# agree on, and the usual spread of the two columns (chosen on forecasts made to 2021, see
# docs/decisions.md). Two years of data identify neither coefficient.
RIDGE_SPREAD = (0.4, 0.25)
NEXT_SESSION_RIDGE = Ridge((0.1, -0.2), RIDGE_SPREAD)
LONG_RIDGE = Ridge((-0.2, -0.5), RIDGE_SPREAD)


@dataclass(frozen=True, eq=False)
class VolatilityInputs:
    """What the volatilities of all horizons are forecast from.

    Attributes:
        variance: Daily variance of log returns; (T, N).
        ticker, market, next_session: Columns of the regressions, (T, N) or (T, 1), known at
            their row; the last two are empty for fewer than ``MARKET_FROM`` tickers.
        complete: Sessions that may be learnt from where the market is read; (T,).
        pooled_from: The first row that is forecast as a pool's, T for fewer tickers.
        ewma: Daily volatility from closes alone, NaN without a bar; (T, N).
        long_run: Long-run daily variance, NaN before ``LONG_FROM`` values; (T, N), or (0, N) for
            fewer tickers.
        floor: Least plausible variance, per refit, ``REFIT_EVERY`` rows apart; (F, N).
    """

    variance: Floats
    ticker: Sequence[Floats]
    market: Sequence[Floats]
    next_session: Sequence[Floats]
    complete: Bools
    pooled_from: int
    ewma: Floats
    long_run: Floats
    floor: Floats

    def pooled(self, horizon: int) -> list[Floats]:
        """The columns of the regression that knows the market; none for fewer tickers."""
        extra = self.next_session if horizon == 1 else ()
        return [*self.market, *self.ticker, *extra] if self.market else []


def build_inputs(panel: Panel) -> VolatilityInputs:
    """Everything the volatility models read, for every row of the panel."""
    variance, returns = panel.variance, panel.log_returns
    squared = np.square(returns)
    known = np.where(np.isfinite(variance), variance, squared)
    ewma = np.sqrt(rolling.ewma(squared, EWMA_ALPHA, at_least=EWMA_FROM))
    floor = _floors(known)
    market, next_session, long_run = [], [], known[:0]
    if variance.shape[1] >= MARKET_FROM:
        complete, days_ahead = panel.complete, panel.days_ahead
        market = regressors.of_market(returns, complete)
        next_session = regressors.of_next_session(variance, returns, complete, days_ahead)
        long_run = _long_run(known, floor)
    return VolatilityInputs(
        variance=variance,
        ticker=regressors.of_ticker(variance, returns),
        market=market,
        next_session=next_session,
        complete=panel.complete,
        pooled_from=_pooled_from(market, len(variance)),
        ewma=np.where(np.isfinite(panel.close), ewma, np.nan),
        long_run=long_run,
        floor=floor,
    )


def forecast(inputs: VolatilityInputs, horizon: int) -> Floats:
    """Walk-forward volatility of the log return over the next ``horizon`` sessions; (T, N).

    The regression's with the market where it has one, else the one's without, else the EWMA's of
    squared returns: before the first fit, for a young ticker, without open, high and low. Further
    ahead than one session a pool's is drawn half way to the ticker's long-run volatility. NaN
    before ``EWMA_FROM`` returns and on rows without a bar.
    """
    label = np.log(np.maximum(rolling.ahead(inputs.variance, horizon), 0) + TINY)
    out = np.full(label.shape, np.nan)
    if columns := inputs.pooled(horizon):
        ridge = NEXT_SESSION_RIDGE if horizon == 1 else LONG_RIDGE
        fits = refits(
            columns, label, horizon, sessions=inputs.complete, ridge=ridge, min_dates=MIN_DATES
        )
        predict(columns, fits, out)
    _predict_without_market(inputs.ticker, label, horizon, out)
    out = np.where(np.isfinite(out), out, inputs.ewma)
    least = np.sqrt(np.repeat(inputs.floor, REFIT_EVERY, axis=0)[: len(out)])
    out = np.maximum(out, least)
    if horizon > 1:
        _draw_to_long_run(out[inputs.pooled_from :], inputs.long_run[inputs.pooled_from :])
    return np.asarray(out * np.sqrt(horizon))


def _predict_without_market(
    columns: Sequence[Floats], label: Floats, horizon: int, out: Floats
) -> None:
    """Fill what ``out`` (T, N) lacks, up to the last row that lacks any, by ``columns`` alone."""
    lacking = np.isnan(out)
    for column in columns:
        lacking &= np.isfinite(column)
    end = int(np.flatnonzero(lacking.any(axis=1)).max(initial=-1)) + 1
    columns, alone = [column[:end] for column in columns], np.full(out[:end].shape, np.nan)
    predict(columns, refits(columns, label[:end], horizon), alone)
    np.copyto(out[:end], alone, where=lacking[:end])


def _draw_to_long_run(volatility: Floats, long_run: Floats) -> None:
    """The geometric mean of a forecast and the long-run volatility, where that is known."""
    if len(volatility):
        drawn = np.sqrt(volatility * np.sqrt(long_run))
        np.copyto(volatility, drawn, where=np.isfinite(long_run))


def _long_run(variance: Floats, floor: Floats) -> Floats:
    alpha = 1 - 0.5 ** (1 / LONG_HALF_LIFE)
    mean = rolling.ewma(variance, alpha, at_least=LONG_FROM)
    return np.maximum(mean, np.repeat(floor, REFIT_EVERY, axis=0)[: len(mean)])


def _pooled_from(market: Sequence[Floats], rows: int) -> int:
    """The first row with a market, on or after which scores are refreshed."""
    known = np.flatnonzero(np.isfinite(market[0][:, 0])) if market else np.array([], np.int64)
    return min(-(-int(known[0]) // REFRESH_EVERY) * REFRESH_EVERY, rows) if known.size else rows


def _floors(variance: Floats) -> Floats:
    """``FLOOR`` times each ticker's median variance up to each refit, ``TINY`` at least."""
    floors, seen = [], 0
    past = np.empty((variance.shape[1], 0))
    for row in range(0, len(variance), REFIT_EVERY):
        # A stable sort passes once over what is sorted already.
        past = np.concatenate([past, variance[seen : row + 1].T], axis=1)
        past, seen = np.sort(past, axis=1, kind="stable"), row + 1
        count = np.isfinite(past).sum(axis=1)
        middle = past[np.arange(len(past)), np.maximum(count - 1, 0) // 2]
        floors.append(np.where(count > 0, np.maximum(FLOOR * middle, TINY), TINY))
    return np.array(floors)
