"""From clean prices to the rows that models are fitted on: CPU seconds and peak memory by step.

Run: OMP_NUM_THREADS=1 python -m benchmarks.parts.panel_features [SESSIONS TICKERS]. Without
numbers, (5371, 141) and (5000, 500). Prints; nothing is asserted.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator

import numpy as np
import polars as pl

from src.config.sections.results import FeatureSettings
from src.core.calendars.nse import nse
from src.features import ticker_features
from src.features.catalogue import time_series_features
from src.features.labels import label_rows
from src.modeling.experiment.run import feature_rows
from src.modeling.panel import assemble
from src.modeling.panel.panel import BAR_COLUMNS, Panel

HORIZONS = (1, 63)


def clean_prices(sessions: int, tickers: int) -> Iterator[pl.DataFrame]:
    """Clean rows of one ticker after the other, which share a market."""
    random, days = np.random.default_rng(7), nse().array[:sessions]
    market = random.normal(0, 0.01, sessions)
    for number in range(tickers):
        close = 100 * np.exp(np.cumsum(market + random.normal(0, 0.015, sessions)))
        yield pl.DataFrame(
            {
                "ticker": f"T{number:03}.NS",
                "date": days,
                "open": close * np.exp(random.normal(0, 0.005, sessions)),
                "high": close * 1.02,
                "low": close * 0.98,
                "close": close,
                "volume": random.uniform(1e5, 1e7, sessions),
                "adj_close": close,
                "source": "yahoo",
                "return_basis": "price",
                "action_pending": False,
            }
        )


def built(sessions: int, tickers: int) -> tuple[Panel, float]:
    """The panel, and the seconds that features and labels took of it."""
    bars, inputs, taken = [], [], 0.0
    labels: dict[int, list[pl.DataFrame]] = {horizon: [] for horizon in HORIZONS}
    for clean in clean_prices(sessions, tickers):
        began = time.process_time()
        frame = ticker_features.compute(clean, FeatureSettings())
        for horizon in HORIZONS:
            rows = label_rows(frame, horizon, nse())
            labels[horizon].append(rows.select("ticker", "date", "target"))
        taken += time.process_time() - began
        bars.append(frame.select("ticker", "date", *BAR_COLUMNS))
        inputs.append(frame["inputs"])
    names = [feature.name for feature in time_series_features()]
    joined = {horizon: pl.concat(frames) for horizon, frames in labels.items()}
    return assemble.assemble(pl.concat(bars), names, inputs, joined, nse()), taken


def measured(sessions: int, tickers: int) -> None:
    whole, features = built(sessions, tickers)
    began = time.process_time()
    rows = feature_rows(whole)
    stacked = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{sessions} x {tickers}, {len(rows.names)} inputs, CPU seconds; peak {peak:.0f} MiB")
    print(f"features and labels            {features:8.2f}")
    print(f"inputs of the pool, rows       {stacked:8.2f}")


def main() -> None:
    size = [int(number) for number in sys.argv[1:3]]
    for sessions, tickers in [tuple(size)] if size else [(5371, 141), (5000, 500)]:
        measured(sessions, tickers)


if __name__ == "__main__":
    main()
