"""Features of 500 tickers x 5000 days in memory, against one pass over the bytes and polars.

Run: python -m benchmarks.parts.features [TICKERS] [DAYS]. Prints ratios; nothing is asserted.
"""

import sys
import time
from collections.abc import Callable

import numpy as np
import polars as pl

from src.config.sections.results import FeatureSettings
from src.features.bars import Bars
from src.features.catalogue import features, time_series_features

GUIDE = 10


def best(work: Callable[[], object], repeats: int = 3) -> float:
    """Least seconds of CPU over some repeats."""
    taken = []
    for _ in range(repeats):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return min(taken)


def panel(tickers: int, days: int) -> list[Bars]:
    random = np.random.default_rng(7)
    closes = 100 * np.exp(np.cumsum(random.normal(0, 0.015, (tickers, days)), axis=1))
    volumes = random.uniform(1e5, 1e7, (tickers, days))
    return [
        Bars(open=c * 1.001, high=c * 1.01, low=c * 0.99, close=c, volume=v)
        for c, v in zip(closes, volumes, strict=True)
    ]


def with_polars(frame: pl.DataFrame) -> pl.DataFrame:
    close = pl.col("close")
    back = close / close.shift(1) - 1
    expressions = [back.shift(k).alias(f"return_lag{k + 1}") for k in range(5)]
    expressions += [close.rolling_mean(7).alias("sma_7"), close.rolling_mean(21).alias("sma_21")]
    expressions += [
        (close / close.shift(7) - 1).alias("mom_7"),
        back.rolling_std(14).alias("vol_14"),
    ]
    return frame.with_columns(expression.over("ticker") for expression in expressions)


def main() -> None:
    tickers, days = (int(n) for n in (*sys.argv[1:], "500", "5000")[:2])
    bars, wanted = panel(tickers, days), features(FeatureSettings())
    inputs = time_series_features()
    frame = pl.DataFrame(
        {
            "ticker": np.repeat([f"T{n}" for n in range(tickers)], days),
            "close": np.concatenate([ticker_bars.close for ticker_bars in bars]),
            "volume": np.concatenate([ticker_bars.volume for ticker_bars in bars]),
        }
    )
    source = np.ones((GUIDE, tickers * days))

    def computed() -> None:
        for ticker_bars in bars:
            ticker_bars.cache.clear()
            for feature in wanted:
                feature.compute(ticker_bars)

    def computed_inputs() -> None:
        for ticker_bars in bars:
            ticker_bars.cache.clear()
            for feature in inputs:
                feature.compute(ticker_bars)

    limit = best(source.copy)
    guide, every = best(computed), best(computed_inputs)
    peer = best(lambda: with_polars(frame))
    print(f"{tickers} x {days}, CPU seconds")
    print(f"one pass, into new memory          {limit:.3f}   1.0")
    print(f"the guide's {GUIDE} features           {guide:.3f}   {guide / limit:.1f}")
    print(f"{len(inputs)} model inputs of a ticker    {every:.3f}   {every / limit:.1f}")
    print(f"polars .over, the guide's          {peer:.3f}   {peer / limit:.1f}")
    print(f"faster than polars by              {peer / guide:.1f}x")


if __name__ == "__main__":
    main()
