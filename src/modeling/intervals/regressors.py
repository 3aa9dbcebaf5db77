"""Compute the columns that the volatility regressions read.

All are known at their row. ``variance`` is the daily variance of log returns, ``returns`` are log
returns, both (T, N) with NaN where unknown; a column of the whole market is (T, 1).
"""

from __future__ import annotations

import numpy as np

from src.core.arrays import Bools, Floats, Ints
from src.modeling.panel import rolling
from src.modeling.panel.panel import mean_by_date

WINDOWS = (1, 5, 22, 63, 252)
# Added to a variance before every logarithm: a session without any move has one of zero.
TINY = 1e-8
# The same before the mean over tickers: one dead ticker must not move the market's mean.
MARKET_TINY = 1e-6
# Fewer tickers are no market.
MARKET_FROM = 5
EWMA_ALPHA = 0.06
# Largest |return| in units of the month's volatility: a crash is no reason for any volatility.
LARGEST_MOVE = 4.0
# Calendar days to the next session above which a weekend, or a longer holiday, lies ahead.
GAPS = (1, 3)


def of_ticker(variance: Floats, returns: Floats) -> list[Floats]:
    """HAR (Corsi 2009) with falls (Corsi-Reno 2012): seven columns, each (T, N).

    Logs of the mean variance over ``WINDOWS`` (at least half of a window must be known); the
    fall of the last session and of the last five, in units of the month's volatility.
    """
    month = _month(variance)
    week = 5 * rolling.mean(returns, 5, at_least=3)
    return [
        *(_log(_mean(variance, window)) for window in WINDOWS),
        np.minimum(returns, 0) / month,
        np.minimum(week, 0) / (month * np.sqrt(5)),
    ]


def of_market(returns: Floats, complete: Bools) -> list[Floats]:
    """Log volatility of the pool's mean return, and its mean over a year; each (T, 1).

    NaN until ``MARKET_FROM`` tickers had a return on one complete session.
    """
    mean = mean_by_date(returns, at_least=MARKET_FROM)
    squared = np.square(mean[complete, None])
    market = 0.5 * _log(rolling.ewma(squared, EWMA_ALPHA, at_least=1))
    columns = [market, rolling.mean(market, 252, at_least=60)]
    return [_carried(column, complete) for column in columns]


def of_next_session(
    variance: Floats, returns: Floats, complete: Bools, days_ahead: Ints
) -> list[Floats]:
    """What helps one session ahead: the days until it, today's moves, the market's variance.

    Eight columns, (T, N) or (T, 1): whether more than ``GAPS`` calendar days lie ahead; today's
    |return| in units of the month's volatility; logs of the mean squared return of the week and
    the month; the mean over tickers of the log variance, today's, of the week and of the month.
    """
    squared = np.square(returns)
    logs = np.log(np.maximum(variance, 0) + MARKET_TINY)
    mean = mean_by_date(logs, at_least=MARKET_FROM)[complete, None]
    return [
        *((days_ahead > gap).astype(np.float64)[:, None] for gap in GAPS),
        np.minimum(np.abs(returns) / _month(variance), LARGEST_MOVE),
        *(_log(_mean(squared, window)) for window in (5, 22)),
        *(_carried(_mean(mean, window), complete) for window in (1, 5, 22)),
    ]


def _month(variance: Floats) -> Floats:
    """Daily volatility over the last 22 sessions; (T, N)."""
    return np.sqrt(np.maximum(_mean(variance, 22), 0) + TINY)


def _mean(values: Floats, window: int) -> Floats:
    return rolling.mean(values, window, at_least=(window + 1) // 2)


def _log(variance: Floats) -> Floats:
    return np.log(np.maximum(variance, 0) + TINY)


def _carried(column: Floats, complete: Bools) -> Floats:
    """A column of the complete sessions at all rows, each the last complete session's."""
    return np.vstack([np.full((1, 1), np.nan), column])[np.cumsum(complete)]
