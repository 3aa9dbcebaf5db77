"""Model inputs of a pool: seconds of CPU for all, by kind, against one pass over their bytes.

Run: OMP_NUM_THREADS=1 python -m benchmarks.panel_features [SESSIONS TICKERS]. Without numbers,
(5371, 141) and (5000, 500). Prints; nothing is asserted.
"""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import dataclass

import numpy as np

from src.features.catalogue import model_features
from src.features.panel import build_pool


@dataclass
class Prices:
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    volume: np.ndarray


def wandering(sessions: int, tickers: int) -> Prices:
    random = np.random.default_rng(7)
    step = random.normal(0, 0.015, (sessions, tickers)) + random.normal(0, 0.01, (sessions, 1))
    close = 100 * np.exp(np.cumsum(step, axis=0))
    volume = random.uniform(1e5, 1e7, close.shape)
    return Prices(close * 1.001, close * 1.01, close * 0.99, close, volume)


def measured(sessions: int, tickers: int) -> None:
    prices = wandering(sessions, tickers)
    began = time.process_time()
    pool = build_pool(prices)
    taken = {"the pool": time.process_time() - began}
    wanted = model_features(tickers)
    for feature in wanted:
        kind = "ranks" if feature.name.startswith("rank_") else feature.kind
        began = time.process_time()
        pool.matrix(feature)
        taken[kind] = taken.get(kind, 0.0) + time.process_time() - began
    began = time.process_time()
    for _ in wanted:
        prices.close.copy()
    limit, total = time.process_time() - began, sum(taken.values())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{sessions} x {tickers}, {len(wanted)} features, CPU seconds; peak {peak:.0f} MiB")
    for name, seconds in (*taken.items(), ("all", total), ("one pass over the bytes", limit)):
        print(f"{name:25}{seconds:8.3f}{seconds / limit:8.1f}")


def main() -> None:
    size = [int(number) for number in sys.argv[1:3]]
    for sessions, tickers in [tuple(size)] if size else [(5371, 141), (5000, 500)]:
        measured(sessions, tickers)


if __name__ == "__main__":
    main()
