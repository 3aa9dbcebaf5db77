"""Compute the rows of ``features_daily`` from clean daily prices: one per session.

What is computed of a row rests on so many rows before it, so that the last rows of a series can be
had without the whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from src.core.tables import OHLCV
from src.features.bars import Bars
from src.features.catalogue import features, lookback, time_series_features, version, warm_up_rows
from src.features.members import ticker_slices
from src.features.time_series import log_return, log_volume, session_variance

if TYPE_CHECKING:
    from src.config.sections.results import FeatureSettings
    from src.core.arrays import Bools, Floats, Singles

# Columns that are stored as they are.
KEPT = ("ticker", "date", "close", "adj_close", "action_pending", "source", "return_basis")


@dataclass(frozen=True)
class Earlier:
    """What lies before rows of a ticker: how many rows, and the first volume above 0, or 0."""

    rows: int
    first_volume: float


def compute(
    clean: pl.DataFrame,
    windows: FeatureSettings,
    last: Mapping[str, int] | None = None,
    earlier: Mapping[str, Earlier] | None = None,
) -> pl.DataFrame:
    """Features of any number of tickers, from rows of ``raw_daily_prices_clean`` in key order.

    Args:
        clean: Whole series, or what comes after ``earlier`` rows: ``catalogue.lookback`` rows
            more than are wanted.
        windows: Of the configured features.
        last: How many of each ticker's last rows are wanted, where not all are. They are the same
            to the last bit.
        earlier: What lies before the rows, by ticker, where it is not nothing.

    Returns:
        One row per clean row, with the columns of ``features_daily`` and the configured features,
        null where a window is not full or a value is not defined. ``inputs`` are NaN there. The
        first rows of each ticker, on which a configured feature is not defined yet, are marked.
    """
    prices = {name: clean[name].to_numpy() for name in (*OHLCV, "adj_close")}
    slices = dict(ticker_slices(clean))
    sizes = {ticker: where.stop - where.start for ticker, where in slices.items()}
    wanted = sizes if last is None else {t: min(last.get(t, 0), n) for t, n in sizes.items()}
    values = _room(sum(wanted.values()), windows)
    rows, positions, end = [np.empty(0, np.int64)], [np.empty(0, np.int64)], 0
    for ticker, where in slices.items():
        part = slice(end, end := end + wanted[ticker])
        series = {name: each[where] for name, each in prices.items()}
        before = (earlier or {}).get(ticker, Earlier(0, 0.0))
        if before.rows:
            series = _after_first_volume(series, before.first_volume)
        _fill({name: each[part] for name, each in values.items()}, series, windows)
        rows.append(np.arange(where.stop - wanted[ticker], where.stop))
        positions.append(rows[-1] - where.start + before.rows)
    kept = clean.select(KEPT)
    kept = kept if last is None else kept[np.concatenate(rows)]
    return _frame(kept, values, np.concatenate(positions) < warm_up_rows(windows))


def _after_first_volume(prices: Mapping[str, Floats], volume: float) -> dict[str, Floats]:
    """The prices after one more row, which has the first volume: no row that is wanted needs it."""
    longer = {name: np.concatenate([values[:1], values]) for name, values in prices.items()}
    longer["volume"][0] = volume
    return longer


def _room(rows: int, windows: FeatureSettings) -> dict[str, Floats | Singles]:
    """Room for everything that is computed of so many rows; (rows,), inputs (rows, k)."""
    names = ("log_return", "variance", *(feature.name for feature in features(windows)))
    inputs = np.empty((rows, len(time_series_features())), np.float32)
    return {**{name: np.empty(rows) for name in names}, "inputs": inputs}


def _fill(
    out: Mapping[str, Floats | Singles], prices: Mapping[str, Floats], windows: FeatureSettings
) -> None:
    """Compute the last rows of one series: as many as there is room for."""
    bars = Bars(*(prices[name] for name in OHLCV))
    adjusted = _adjusted(bars, prices["adj_close"])
    # It is relative to the first volume, which may lie before the rows that are needed.
    log_volume(adjusted)
    wanted = len(out["inputs"])
    needed = wanted + lookback(windows)
    bars, adjusted = bars.last(needed), adjusted.last(needed)
    first = bars.close.size - wanted
    out["log_return"][:] = log_return(adjusted, 1)[first:]
    out["variance"][:] = session_variance(adjusted)[first:]
    for feature in features(windows):
        out[feature.name][:] = feature.compute(bars)[first:]
    for column, own in enumerate(time_series_features()):
        out["inputs"][:, column] = own.compute(adjusted)[first:]


def _frame(
    kept: pl.DataFrame, values: Mapping[str, Floats | Singles], warm_up: Bools
) -> pl.DataFrame:
    pending = kept["action_pending"].to_numpy().astype(bool)
    for each in values.values():
        each[~np.isfinite(each)] = np.nan
    # A move that waits for a decision may be an unadjusted split: it is no return yet.
    for name in ("log_return", "variance"):
        values[name][pending] = np.nan
    columns = {n: pl.Series(each, nan_to_null=True) for n, each in values.items() if n != "inputs"}
    return kept.select("ticker", "date", "close", "adj_close").with_columns(
        log_return=columns.pop("log_return"),
        variance=columns.pop("variance"),
        action_pending=kept["action_pending"],
        warm_up=pl.Series(warm_up, dtype=pl.Boolean),
        source=kept["source"],
        return_basis=kept["return_basis"],
        features_version=pl.lit(version()),
        inputs=_lists(values["inputs"]),
        **columns,
    )


def _adjusted(bars: Bars, adj_close: Floats) -> Bars:
    """Prices adjusted for dividends as well, all four alike."""
    scale = adj_close / bars.close
    opened, high, low = (price * scale for price in (bars.open, bars.high, bars.low))
    return Bars(opened, high, low, adj_close, bars.volume)


def _lists(values: Floats | Singles) -> pl.Series:
    """One list a row, in single precision."""
    return pl.Series(values, dtype=pl.Array(pl.Float32, values.shape[1])).cast(pl.List(pl.Float32))
