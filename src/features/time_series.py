"""Compute model inputs from one ticker's bars, whatever its level of price or volume.

Each function takes ``Bars`` of length n, adjusted for splits and dividends alike, and gives float64
(n,), NaN where the window is not full or a value is not defined. The value at row t uses rows up to
and including t. Returns are log returns, r_t = ln(C_t / C_{t-1}). Windows count bars. s_t is the
ticker's own volatility at t, so that a feature divided by it is in units of its usual daily move.
"""

from __future__ import annotations

import math

import numpy as np

from src.core.arrays import Floats
from src.features import rolling
from src.features.bars import Bars, once

# RiskMetrics 1996: weight of the past in the variance of daily returns.
DECAY = 0.94
# Returns that a volatility needs: .94^63 leaves 2 % of the weight to what lies before them.
WARM_UP = 63
# Variances are of the order 2e-4; a session without any move must still have a logarithm.
TINY_VARIANCE = 1e-8

# --- parts of several features


@once
def log_close(bars: Bars) -> Floats:
    """The log of C_t; a part of features, as a price level is not comparable over time."""
    return rolling.log(bars.close)


@once
def log_return(bars: Bars, span: int) -> Floats:
    """ln(C_t / C_{t-span})."""
    logs = log_close(bars)
    out, later = rolling.padded(logs.size, span + 1)
    np.subtract(logs[span:], logs[:-span], out=later)
    return out


@once
def volatility(bars: Bars) -> Floats:
    """s_t: root of the mean of r^2 with weights .94^age (RiskMetrics 1996).

    s_t^2 = .94 s_{t-1}^2 + .06 r_t^2 once the start has decayed, from ``WARM_UP`` returns on.
    Zero where prices do not move at all; nothing is then divided by it.
    """
    return decayed_volatility(log_return(bars, 1))


def decayed_volatility(returns: Floats) -> Floats:
    """``volatility`` of log returns; (n,), the first of them not known."""
    squares = np.square(returns[1:])
    return rolling.pad_front(np.sqrt(rolling.decayed_mean(squares, DECAY, WARM_UP)), returns.size)


@once
def _scale(bars: Bars) -> Floats:
    """s_t as a divisor: NaN where it is zero."""
    s = volatility(bars)
    return np.where(s == 0, np.nan, s)


@once
def daily_variance(bars: Bars) -> Floats:
    """v_t: ``session_variance``, or r_t^2 where a bar is only a close."""
    variance = session_variance(bars)
    return np.where(np.isnan(variance), np.square(log_return(bars, 1)), variance)


@once
def session_variance(bars: Bars) -> Floats:
    """``garman_klass`` of the session, NaN without the four prices or a bar before."""
    return garman_klass(_overnight(bars), _log_range(bars), log_close(bars) - _log_open(bars))


@once
def _log_open(bars: Bars) -> Floats:
    return rolling.log(bars.open)


@once
def _overnight(bars: Bars) -> Floats:
    """ln(O_t / C_{t-1})."""
    return _log_open(bars) - rolling.lag(log_close(bars), 1)


@once
def _log_range(bars: Bars) -> Floats:
    """ln(H_t / L_t)."""
    return rolling.log(bars.high) - rolling.log(bars.low)


def garman_klass(overnight: Floats, spread: Floats, body: Floats) -> Floats:
    """Variance of a session: its overnight move squared plus Garman-Klass's estimate (1980).

    overnight^2 + max(0, .5 spread^2 - (2 ln 2 - 1) body^2), of any shape.

    Args:
        overnight: ln(O_t / C_{t-1}).
        spread: ln(H_t / L_t).
        body: ln(C_t / O_t).
    """
    inside = 0.5 * np.square(spread) - (2 * np.log(2) - 1) * np.square(body)
    return np.asarray(np.square(overnight) + np.maximum(inside, 0.0))


@once
def log_volume(bars: Bars) -> Floats:
    """The log of V_t over the first one known, NaN where nothing was traded.

    The shift changes no feature, and keeps the digits of sums of squares.
    """
    logs = rolling.log(bars.volume)
    first = np.flatnonzero(np.isfinite(logs))[:1]
    return logs - logs[first] if first.size else logs


# --- moves in units of volatility


def scaled_return(bars: Bars, lag: int) -> Floats:
    """r_{t-lag+1} / s_t: lag 1 is the return of session t itself."""
    return rolling.lag(log_return(bars, 1), lag - 1) / _scale(bars)


def scaled_momentum(bars: Bars, span: int) -> Floats:
    """ln(C_t / C_{t-span}) / (s_t sqrt span): the t-value of a trend."""
    return log_return(bars, span) / (_scale(bars) * math.sqrt(span))


def skipped_momentum(bars: Bars, span: int, skip: int) -> Floats:
    """ln(C_{t-skip} / C_{t-span}) / (s_t sqrt(span - skip)).

    Jegadeesh-Titman 1993: a year's momentum without its last month, which tends to reverse.
    """
    move = rolling.lag(log_return(bars, span - skip), skip)
    return move / (_scale(bars) * math.sqrt(span - skip))


def distance_from_average(bars: Bars, window: int) -> Floats:
    """ln(C_t / mean of the last ``window`` closes) / (s_t sqrt window)."""
    distance = rolling.log(rolling.ratio(bars.close, rolling.mean(bars.close, window)))
    return distance / (_scale(bars) * math.sqrt(window))


def scaled_overnight(bars: Bars) -> Floats:
    """ln(O_t / C_{t-1}) / s_t."""
    return _overnight(bars) / _scale(bars)


def largest_return(bars: Bars, window: int) -> Floats:
    """Largest r of the last ``window`` over s_t (Bali-Cakici-Whitelaw 2011)."""
    return rolling.highest(log_return(bars, 1), window) / _scale(bars)


# --- the session's range


def scaled_range(bars: Bars) -> Floats:
    """ln(H_t / L_t) / s_t."""
    return _log_range(bars) / _scale(bars)


def close_location(bars: Bars, window: int) -> Floats:
    """Mean over ``window`` of (C - L) / (H - L) - .5: from -.5 at the low to .5 at the high.

    NaN when a session of the window had one price only: it has no location in its range.
    """
    location = rolling.ratio(bars.close - bars.low, bars.high - bars.low)
    return rolling.mean(np.clip(location, 0.0, 1.0) - 0.5, window)


# --- volatility and shape


@once
def log_variance(bars: Bars, window: int) -> Floats:
    """ln(mean of v over ``window`` + 1e-8): the terms of the HAR model (Corsi 2009)."""
    return rolling.log(rolling.mean(daily_variance(bars), window) + TINY_VARIANCE)


def variance_change(bars: Bars, short: int, long: int) -> Floats:
    """``log_variance`` of a short window less that of a long one."""
    return log_variance(bars, short) - log_variance(bars, long)


def skewness(bars: Bars, window: int) -> Floats:
    """m3 / m2^1.5 of the last ``window`` returns, m_k the k-th central moment (divided by n).

    NaN where the returns differ by no more than rounding.
    """
    r = log_return(bars, 1)
    first, second, third = (rolling.mean(r**power, window) for power in (1, 2, 3))
    variance = second - first**2
    variance = np.where(variance > rolling.ROUNDING * second, variance, np.nan)
    return (third - 3 * first * second + 2 * first**3) / variance**1.5


def relative_strength(bars: Bars, window: int) -> Floats:
    """Wilder's RSI (1978) as a fraction less .5: mean gain / (mean gain + mean loss) - .5.

    Means begin with those of the first ``window`` moves and then decay by 1 - 1/window. NaN
    where prices have not moved.
    """
    moves = np.diff(bars.close)
    gains = _wilder(np.maximum(moves, 0.0), window)
    losses = _wilder(np.maximum(-moves, 0.0), window)
    return rolling.pad_front(rolling.ratio(gains, gains + losses) - 0.5, bars.close.size)


def _wilder(moves: Floats, window: int) -> Floats:
    if moves.size < window:
        return np.empty(0)
    start = moves[:window].mean(keepdims=True)
    return rolling.decayed_sum(np.concatenate([start, moves[window:] / window]), 1 - 1 / window)


# --- distance from highs and lows


def drawdown(bars: Bars, window: int) -> Floats:
    """ln(C_t / highest close of the last ``window``): zero at a new high."""
    logs = log_close(bars)
    return logs - rolling.highest(logs, window)


def run_up(bars: Bars, window: int) -> Floats:
    """ln(C_t / lowest close of the last ``window``): zero at a new low."""
    logs = log_close(bars)
    return logs + rolling.highest(-logs, window)


# --- volume


def volume_surprise(bars: Bars, window: int, spread: int) -> Floats:
    """How far ln V_t is from its mean of ``window``, in deviations (ddof 1) of ``spread`` bars."""
    logs = log_volume(bars)
    return rolling.ratio(logs - rolling.mean(logs, window), rolling.deviation(logs, spread))


def volume_change(bars: Bars, short: int, long: int) -> Floats:
    """Mean of ln V over ``short`` bars less that over ``long``."""
    logs = log_volume(bars)
    return rolling.mean(logs, short) - rolling.mean(logs, long)


def illiquidity_change(bars: Bars, short: int, long: int) -> Floats:
    """The log of the mean of |r| / (C V) over ``short`` less that over ``long``.

    Amihud 2002. Against its own past, because turnover in currency grows over the years.
    """
    turnover = bars.close * np.where(bars.volume > 0, bars.volume, np.nan)
    price = np.abs(log_return(bars, 1)) / turnover
    return rolling.log(rolling.mean(price, short)) - rolling.log(rolling.mean(price, long))
