"""Features worked out from clean prices with pandas, scipy and TA-Lib, as the formulas are written.

Bars are frames by session with ``open, high, low, close, volume, adj_close``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import scipy.stats
import talib


def guides(bars: pd.DataFrame) -> pd.DataFrame:
    """The ten columns that the guide names, of every session: on split-adjusted closes."""
    close = bars["close"]
    simple = close / close.shift(1) - 1
    windows = np.lib.stride_tricks.sliding_window_view(simple, 14)
    deviations = np.concatenate([np.full(13, np.nan), windows.std(axis=1, ddof=1)])
    return pd.DataFrame(
        {
            **{f"return_lag{k}": simple.shift(k - 1) for k in (1, 2, 3, 4, 5)},
            **{f"sma_{k}": sum(close.shift(n) for n in range(k)) / k for k in (7, 21)},
            "mom_7": close / close.shift(7) - 1,
            "vol_14": deviations,
            "volume": bars["volume"],
        }
    )


def scale_free(bars: pd.DataFrame) -> dict[str, float]:
    """What models see of a ticker by itself at its newest session: on adjusted bars."""
    b = bars.assign(close=bars["adj_close"])
    for name in ("open", "high", "low"):
        b[name] = bars[name] * bars["adj_close"] / bars["close"]
    r = np.log(b["close"]).diff()
    s = float(np.sqrt((r**2).ewm(alpha=0.06, adjust=False, ignore_na=True).mean()).iloc[-1])
    found = {**_moves(b["close"], r, s), **_ranges(b, s), **_volumes(b, r), **_places(b["close"])}
    variances = _log_variances(b)
    return {name: float(value) for name, value in {**found, **variances, **_shape(r)}.items()}


def _moves(close: pd.Series, r: pd.Series, s: float) -> dict[str, Any]:
    c = close.to_numpy()
    return {
        **{f"ret_lag{k}_s": r.iloc[-k] / s for k in (1, 2, 3, 4, 5)},
        **{
            f"mom_{k}_s": np.log(c[-1] / c[-1 - k]) / (s * k**0.5)
            for k in (5, 10, 21, 63, 126, 252)
        },
        "mom_252_21_s": np.log(c[-22] / c[-253]) / (s * 231**0.5),
        **{
            f"over_sma_{k}_s": np.log(c[-1] / c[-k:].mean()) / (s * k**0.5)
            for k in (7, 21, 50, 200)
        },
        "max_ret_21_s": r.iloc[-21:].max() / s,
    }


def _ranges(b: pd.DataFrame, s: float) -> dict[str, Any]:
    place = (b["close"] - b["low"]) / (b["high"] - b["low"]) - 0.5
    return {
        "overnight_s": np.log(b["open"].iloc[-1] / b["close"].iloc[-2]) / s,
        "range_s": np.log(b["high"].iloc[-1] / b["low"].iloc[-1]) / s,
        "close_location": place.iloc[-1],
        "close_location_5": place.iloc[-5:].mean(),
    }


def _log_variances(b: pd.DataFrame) -> dict[str, Any]:
    overnight = np.log(b["open"] / b["close"].shift(1)) ** 2
    inside = 0.5 * np.log(b["high"] / b["low"]) ** 2
    inside -= (2 * np.log(2) - 1) * np.log(b["close"] / b["open"]) ** 2
    v = overnight + inside.clip(lower=0)
    log = {k: np.log(v.iloc[-k:].mean() + 1e-8) for k in (5, 21, 63, 252)}
    return {
        **{f"log_var_{k}": log[k] for k in (5, 21, 63)},
        "log_var_5_63": log[5] - log[63],
        "log_var_21_252": log[21] - log[252],
    }


def _volumes(b: pd.DataFrame, r: pd.Series) -> dict[str, Any]:
    volume = np.log(b["volume"]).to_numpy()
    price = (r.abs() / (b["close"] * b["volume"])).to_numpy()
    surprise = volume[-1] - volume[-21:].mean()
    return {
        "volume_z_21_63": surprise / volume[-63:].std(ddof=1),
        "volume_5_63": volume[-5:].mean() - volume[-63:].mean(),
        "illiquidity_21_252": np.log(price[-21:].mean() / price[-252:].mean()),
    }


def _places(close: pd.Series) -> dict[str, Any]:
    year = close.iloc[-252:]
    return {
        "drawdown_252": np.log(close.iloc[-1] / year.max()),
        "run_up_252": np.log(close.iloc[-1] / year.min()),
        "rsi_14": talib.RSI(close.to_numpy(), 14)[-1] / 100 - 0.5,
    }


def _shape(r: pd.Series) -> dict[str, Any]:
    return {"skew_63": scipy.stats.skew(r.iloc[-63:])}
