"""Compute the rows of ``features_daily`` from clean daily prices: one per session.

What is computed of a row rests on so many rows before it, so that the last rows of a series can be
had without the whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from src.core.tables import FEATURES_DAILY, OHLCV
from src.features.bars import Bars
from src.features.catalogue import features, lookback, time_series_features, version, warm_up_rows
from src.features.members import ticker_slices
from src.features.time_series import log_return, log_volume, session_variance

if TYPE_CHECKING:
    from src.config.sections.results import FeatureSettings
    from src.core.arrays import Bools, Floats, Singles


def compute(
    clean: pl.DataFrame, windows: FeatureSettings, last: Mapping[str, int] | None = None
) -> pl.DataFrame:
    """Features of any number of tickers, from rows of ``raw_daily_prices_clean`` in key order.

    Args:
        clean: Whole series.
        windows: Of the configured features.
        last: How many of each ticker's last rows are wanted, where not all are. They are the same
            to the last bit.

    Returns:
        One row per clean row, with the columns of ``features_daily`` and the configured features,
        null where a window is not full or a value is not defined. ``inputs`` are NaN there. The
        first rows of each ticker, on which a configured feature is not defined yet, are marked.
    """
    prices = {name: clean[name].to_numpy() for name in (*OHLCV, "adj_close")}
    parts, rows, positions = [], [], []
    for ticker, where in list(ticker_slices(clean)) or [("", slice(0, 0))]:
        size = where.stop - where.start
        wanted = size if last is None else min(last.get(ticker, 0), size)
        series = {name: values[where] for name, values in prices.items()}
        parts.append(_of_ticker(series, windows, wanted))
        positions.append(np.arange(size - wanted, size))
        rows.append(positions[-1] + where.start)
    values = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    warm_up = np.concatenate(positions) < warm_up_rows(windows)
    return _frame(clean[np.concatenate(rows)], values, warm_up)


def _of_ticker(
    prices: Mapping[str, Floats], windows: FeatureSettings, wanted: int
) -> dict[str, Floats | Singles]:
    """The last values of everything that is computed of one series; (wanted,) or more columns."""
    bars = Bars(*(prices[name] for name in OHLCV))
    adjusted = _adjusted(bars, prices["adj_close"])
    # It is relative to the first volume, which may lie before the rows that are needed.
    log_volume(adjusted)
    needed = wanted + lookback(windows)
    bars, adjusted = bars.last(needed), adjusted.last(needed)
    columns = {"log_return": log_return(adjusted, 1), "variance": session_variance(adjusted)}
    columns |= {feature.name: feature.compute(bars) for feature in features(windows)}
    inputs = [feature.compute(adjusted) for feature in time_series_features()]
    first = bars.close.size - wanted
    return {
        **{name: values[first:] for name, values in columns.items()},
        "inputs": np.stack([values[first:] for values in inputs], axis=1).astype(np.float32),
    }


def _frame(
    clean: pl.DataFrame, values: Mapping[str, Floats | Singles], warm_up: Bools
) -> pl.DataFrame:
    pending = clean["action_pending"].to_numpy()
    # A move that waits for a decision may be an unadjusted split: it is no return yet.
    moves = {name: np.where(pending, np.nan, values[name]) for name in ("log_return", "variance")}
    configured = {n: each for n, each in values.items() if n not in FEATURES_DAILY.columns}
    return clean.select("ticker", "date", "close", "adj_close").with_columns(
        **{name: _finite(move) for name, move in moves.items()},
        action_pending=clean["action_pending"],
        warm_up=pl.Series(warm_up, dtype=pl.Boolean),
        source=clean["source"],
        return_basis=clean["return_basis"],
        features_version=pl.lit(version()),
        inputs=_lists(values["inputs"]),
        **{name: _finite(each) for name, each in configured.items()},
    )


def _adjusted(bars: Bars, adj_close: Floats) -> Bars:
    """Prices adjusted for dividends as well, all four alike."""
    scale = adj_close / bars.close
    opened, high, low = (price * scale for price in (bars.open, bars.high, bars.low))
    return Bars(opened, high, low, adj_close, bars.volume)


def _finite(values: np.ndarray) -> pl.Series:
    return pl.Series(np.where(np.isfinite(values), values, np.nan), nan_to_null=True)


def _lists(values: Floats | Singles) -> pl.Series:
    """One list a row, in single precision, NaN for what is not finite."""
    single = np.where(np.isfinite(values), values, np.float32(np.nan))
    return pl.Series(single, dtype=pl.Array(pl.Float32, values.shape[1])).cast(pl.List(pl.Float32))
