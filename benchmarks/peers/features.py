"""The guide's features of many tickers by pandas, polars, TA-Lib, mlforecast and Qlib.

Run: features.py PRICES.npz, with ``close`` and ``volume``, (tickers, sessions); see contestant.py.
Each value is the last one of sma_21 and of vol_14, so that all are seen to compute the same.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import contestant
import numpy as np
import pandas as pd
import polars as pl

PACKAGES = ("pandas", "polars", "TA-Lib", "mlforecast", "pyqlib", "numpy")
LAGS = range(1, 6)


def by_pandas(frame: pd.DataFrame) -> list[float]:
    """One ``groupby`` with shifted columns and rolling windows."""
    groups = frame.groupby("ticker", sort=False, observed=True)
    out = frame.copy()
    close, back = frame["close"], frame["close"] / groups["close"].shift(1) - 1
    out["back"] = back
    moves = out.groupby("ticker", sort=False, observed=True)["back"]
    for lag in LAGS:
        out[f"return_lag{lag}"] = moves.shift(lag - 1)
    for window in (7, 21):
        rolled = groups["close"].rolling(window).mean()
        out[f"sma_{window}"] = rolled.reset_index(level=0, drop=True)
    out["mom_7"] = close / groups["close"].shift(7) - 1
    out["vol_14"] = moves.rolling(14).std().reset_index(level=0, drop=True)
    return [float(out["sma_21"].iloc[-1]), float(out["vol_14"].iloc[-1])]


def by_polars(frame: pl.DataFrame) -> list[float]:
    """Expressions with ``over``."""
    close = pl.col("close")
    back = close / close.shift(1) - 1
    expressions = [back.shift(lag - 1).alias(f"return_lag{lag}") for lag in LAGS]
    expressions += [close.rolling_mean(k).alias(f"sma_{k}") for k in (7, 21)]
    expressions += [(close / close.shift(7) - 1).alias("mom_7")]
    expressions += [back.rolling_std(14).alias("vol_14")]
    out = frame.with_columns(expression.over("ticker") for expression in expressions)
    return [float(out["sma_21"][-1]), float(out["vol_14"][-1])]


def by_talib(closes: np.ndarray) -> list[float]:
    """A loop over the tickers; TA-Lib's deviation divides by n, ours by n - 1."""
    import talib

    unbiased = np.sqrt(14 / 13)
    parts = []
    for close in closes:
        back = talib.ROCP(close, 1)
        lags = [
            np.concatenate([np.full(lag - 1, np.nan), back[: back.size - lag + 1]]) for lag in LAGS
        ]
        averages = [talib.SMA(close, window) for window in (7, 21)]
        parts.append([*lags, *averages, talib.ROCP(close, 7), talib.STDDEV(back, 14) * unbiased])
    return [float(parts[-1][6][-1]), float(parts[-1][8][-1])]


def by_mlforecast(frame: pl.DataFrame) -> None:
    """Its ``preprocess``: lags of the returns, rolling windows of closes and returns.

    It has one target a table, so that closes and returns are two tables. Its windows end a row
    before ours, so that nothing is returned to compare.
    """
    from mlforecast import MLForecast
    from mlforecast.lag_transforms import RollingMean, RollingStd

    closes = frame.select(unique_id="ticker", ds="day", y="close")
    back = pl.col("y") / pl.col("y").shift(1).over("unique_id") - 1
    returns = closes.with_columns(y=back.fill_null(0.0))
    # A lag of 1 is the last value before the row: ours count the row's own.
    of_returns = MLForecast(
        models=[], freq=1, lags=list(LAGS), lag_transforms={1: [RollingStd(14)]}
    )
    of_closes = MLForecast(
        models=[], freq=1, lags=[7], lag_transforms={1: [RollingMean(7), RollingMean(21)]}
    )
    of_returns.preprocess(returns, static_features=[], dropna=False)
    of_closes.preprocess(closes, static_features=[], dropna=False)


def by_qlib(tickers: list[str]) -> list[float]:
    """Qlib's expressions, read from its own files by its own engine, without its caches."""
    from qlib.data import D
    from qlib.data.cache import H

    H.clear()
    back = "$close/Ref($close,1)-1"
    fields = [back, *(f"Ref({back},{lag - 1})" for lag in LAGS if lag > 1)]
    fields += ["Mean($close,7)", "Mean($close,21)", "$close/Ref($close,7)-1", f"Std({back},14)"]
    out = D.features(tickers, [*fields, "$volume"], freq="day")
    return [float(out["Mean($close,21)"].iloc[-1]), float(out[f"Std({back},14)"].iloc[-1])]


def write_qlib(folder: Path, closes: np.ndarray, volumes: np.ndarray, tickers: list[str]) -> None:
    """Qlib's folder of daily prices: a calendar, a list of instruments, a file a column."""
    days = pd.bdate_range("2000-01-03", periods=closes.shape[1]).strftime("%Y-%m-%d")
    for name in ("calendars", "instruments", "features"):
        (folder / name).mkdir(parents=True)
    (folder / "calendars/day.txt").write_text("\n".join(days) + "\n")
    lines = (f"{ticker}\t{days[0]}\t{days[-1]}" for ticker in tickers)
    (folder / "instruments/all.txt").write_text("\n".join(lines) + "\n")
    for ticker, close, volume in zip(tickers, closes, volumes, strict=True):
        of_ticker = folder / "features" / ticker.lower()
        of_ticker.mkdir()
        for name, values in (("close", close), ("volume", volume)):
            np.hstack([0, values]).astype("<f4").tofile(of_ticker / f"{name}.day.bin")


def qlib_work(
    folder: Path, closes: np.ndarray, volumes: np.ndarray, tickers: list[str]
) -> Callable[[], list[float]]:
    """``by_qlib`` once its files are there and it is started."""
    import qlib

    write_qlib(folder, closes, volumes, tickers)
    qlib.init(
        provider_uri=str(folder),
        kernels=1,
        joblib_backend="sequential",
        expression_cache=None,
        dataset_cache=None,
        clear_mem_cache=True,
    )
    return partial(by_qlib, tickers)


def main() -> None:
    """Serve the five."""
    prices = np.load(sys.argv[1])
    closes, volumes = prices["close"], prices["volume"]
    tickers = [f"T{number:04}" for number in range(len(closes))]
    columns = {
        "ticker": np.repeat(tickers, closes.shape[1]),
        "day": np.tile(np.arange(closes.shape[1]), len(closes)),
        "close": closes.ravel(),
        "volume": volumes.ravel(),
    }
    frame, rows = pl.DataFrame(columns), pd.DataFrame(columns)
    rows["ticker"] = rows["ticker"].astype("category")
    with tempfile.TemporaryDirectory() as folder:
        contestant.serve(
            {
                "pandas": partial(by_pandas, rows),
                "polars": partial(by_polars, frame),
                "TA-Lib": partial(by_talib, closes),
                "mlforecast": partial(by_mlforecast, frame),
                "Qlib": qlib_work(Path(folder) / "qlib", closes, volumes, tickers),
            },
            PACKAGES,
        )


if __name__ == "__main__":
    main()
