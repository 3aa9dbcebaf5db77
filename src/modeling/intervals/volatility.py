"""Forecast the volatility of each ticker's next h sessions, walked forward.

One regression for all tickers of log variance on its own past (HAR: Corsi 2009), the market's
and recent falls (Corsi-Reno 2012), refitted as labels come in. A pool of one ticker works.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from src.core.arrays import Floats
from src.features.time_series import garman_klass
from src.modeling.panel import rolling
from src.modeling.panel.panel import Panel, mean_by_date, previous_bar

WINDOWS = (1, 5, 22, 63, 252)
REFIT_EVERY = 126
EMBARGO = 5
MIN_ROWS = 200
WARM_UP = 250
# Added to a variance before every logarithm: a session without any move has one of zero.
TINY = 1e-8
# Of the ticker's median variance. Live tickers stay well above it, dead rows fall below.
FLOOR = 0.1
EWMA_ALPHA = 0.06
# Fewer tickers are no market.
MARKET_FROM = 5
EWMA_FROM = 20


@dataclass(frozen=True, eq=False)
class VolatilityInputs:
    """What the volatilities of all horizons are forecast from.

    Attributes:
        variance: Daily variance of log returns; (T, N).
        columns: The regressors besides the constant, each (T, N), known at their row.
        ewma: Daily volatility from closes alone, NaN without a bar; (T, N).
        floor: Least plausible variance, per refit, ``REFIT_EVERY`` rows apart; (F, N).
    """

    variance: Floats
    columns: tuple[Floats, ...]
    ewma: Floats
    floor: Floats


@dataclass(frozen=True, eq=False)
class Refit:
    """Coefficients and the row from which they are used; ``beta`` is None before enough rows."""

    row: int
    beta: Floats | None


def build_inputs(panel: Panel) -> VolatilityInputs:
    """Everything the volatility models read, for every row of the panel."""
    variance = daily_variance(panel)
    # A move that waits for a decision may be an unadjusted split: it is no return yet.
    returns = np.where(panel.pending, np.nan, panel.log_returns)
    plain = np.sqrt(rolling.ewma(np.square(returns), EWMA_ALPHA, at_least=EWMA_FROM))
    return VolatilityInputs(
        variance=variance,
        columns=tuple(regressors(variance, returns)),
        ewma=np.where(np.isfinite(panel.close), plain, np.nan),
        floor=_floors(np.where(np.isfinite(variance), variance, np.square(returns))),
    )


def daily_variance(panel: Panel) -> Floats:
    """Overnight return squared plus the Garman-Klass (1980) variance of the session; (T, N).

    NaN without the four prices, the close before, or with a pending move.
    """
    overnight = np.log(panel.open / previous_bar(panel.close))
    variance = garman_klass(
        overnight, np.log(panel.high / panel.low), np.log(panel.close / panel.open)
    )
    return np.where(panel.pending, np.nan, variance)


def regressors(variance: Floats, returns: Floats) -> list[Floats]:
    """The columns of the regression in order, constant left out; each (T, N).

    Logs of the mean variance over ``WINDOWS`` (at least half of a window must be known); log
    volatility of the pool's mean return and its own year, from ``MARKET_FROM`` tickers on; the
    fall of the last session and of the last five, in units of the month's volatility.
    """
    means = {
        window: rolling.mean(variance, window, at_least=(window + 1) // 2) for window in WINDOWS
    }
    month = np.sqrt(np.maximum(means[22], 0) + TINY)
    week = 5 * rolling.mean(returns, 5, at_least=3)
    shared = []
    if variance.shape[1] >= MARKET_FROM:
        market = _market_volatility(returns)
        shared = [market, rolling.mean(market, 252, at_least=60)]
    return [
        *(np.log(np.maximum(mean, 0) + TINY) for mean in means.values()),
        *(np.broadcast_to(column, variance.shape) for column in shared),
        np.minimum(returns, 0) / month,
        np.minimum(week, 0) / (month * np.sqrt(5)),
    ]


def forecast(inputs: VolatilityInputs, horizon: int) -> Floats:
    """Walk-forward volatility of the log return over the next ``horizon`` sessions; (T, N).

    The regression's where it has one, the EWMA's of squared returns elsewhere: before the first
    fit, for a young ticker, without open, high and low. NaN before ``EWMA_FROM`` returns and
    on rows without a bar.
    """
    out = inputs.ewma.copy()
    for k, fit in enumerate(refits(inputs, horizon)):
        rows = slice(fit.row, fit.row + REFIT_EVERY)
        if fit.beta is not None:
            regressed = _predicted([column[rows] for column in inputs.columns], fit.beta)
            out[rows] = np.where(np.isfinite(regressed), regressed, out[rows])
        out[rows] = np.maximum(out[rows], np.sqrt(inputs.floor[k])) * np.sqrt(horizon)
    return out


def refits(inputs: VolatilityInputs, horizon: int) -> list[Refit]:
    """Ordinary least squares over all tickers, one fit every ``REFIT_EVERY`` rows.

    A fit used from row s on has seen the labels of rows t with t + horizon + EMBARGO <= s.
    """
    label = np.log(np.maximum(rolling.ahead(inputs.variance, horizon), 0) + TINY)
    width = len(inputs.columns) + 1
    gram, moment, rows, seen = np.zeros((width, width)), np.zeros(width), 0, 0
    fitted = []
    for row in range(0, len(label), REFIT_EVERY):
        ended = max(0, row - horizon - EMBARGO + 1)
        x, y = _complete([column[seen:ended] for column in inputs.columns], label[seen:ended])
        gram, moment, rows, seen = gram + x.T @ x, moment + x.T @ y, rows + len(y), ended
        ready = rows >= MIN_ROWS and row >= WARM_UP + horizon
        fitted.append(Refit(row, _solved(gram, moment) if ready else None))
    return fitted


def _market_volatility(returns: Floats) -> Floats:
    market = mean_by_date(returns, at_least=MARKET_FROM)[:, None]
    squared = rolling.ewma(np.square(market), EWMA_ALPHA, at_least=1)
    return 0.5 * np.log(squared + TINY)


def _complete(columns: Sequence[Floats], label: Floats) -> tuple[Floats, Floats]:
    """Rows of the regression without a gap: (rows, 1 + columns) and (rows,)."""
    complete = np.isfinite(label)
    for column in columns:
        complete &= np.isfinite(column)
    chosen = [column[complete] for column in columns]
    return np.stack([np.ones(int(complete.sum())), *chosen], axis=1), label[complete]


def _solved(gram: Floats, moment: Floats) -> Floats:
    """Least squares from its normal equations; columns that repeat others share their weight."""
    scale = np.sqrt(np.maximum(np.diag(gram), np.finfo(np.float64).tiny))
    solution = np.linalg.lstsq(gram / np.outer(scale, scale), moment / scale, rcond=1e-12)[0]
    return np.asarray(solution / scale)


def _predicted(columns: Sequence[Floats], beta: Floats) -> Floats:
    """Daily volatility. Summed column by column, so that a row's value needs no other row."""
    log_variance = np.full(columns[0].shape, beta[0])
    for weight, column in zip(beta[1:], columns, strict=True):
        log_variance += weight * column
    return np.exp(0.5 * log_variance)


def _floors(variance: Floats) -> Floats:
    """``FLOOR`` times each ticker's median variance up to each refit, ``TINY`` at least."""
    floors = []
    for row in range(0, len(variance), REFIT_EVERY):
        past = np.sort(variance[: row + 1], axis=0)
        count = np.isfinite(past).sum(axis=0)
        middle = np.take_along_axis(past, np.maximum(count - 1, 0)[None] // 2, axis=0)[0]
        floors.append(np.where(count > 0, np.maximum(FLOOR * middle, TINY), TINY))
    return np.array(floors)
