"""Features of 500 tickers x 5,000 sessions in memory, beside numpy's limit and the peers.

Run: python -m benchmarks.parts.features [--quick]. The limit is one streaming pass that writes as
many bytes as the guide's ten features have.
"""

import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.page import result
from benchmarks.page.result import Budget, Result
from benchmarks.parts import race
from benchmarks.peers import contestant
from src.config.sections.results import FeatureSettings
from src.features.bars import Bars
from src.features.catalogue import features, time_series_features

SIZE, SMALL = (500, 5000), (20, 600)
GUIDE = 10
OURS, PASS, INPUTS = "the guide's ten features", "one pass over their bytes", "inputs of models"
TASK = "features of 500 tickers x 5,000 sessions"
PEERS = ("pandas", "polars", "TA-Lib", "mlforecast", "Qlib")
# Two sums of the same values in another order; Qlib has its prices in single precision.
AGREE = 1e-5


def measure(quick: bool) -> Result:
    """The race, and the budgets of DESIGN about it."""
    with tempfile.TemporaryDirectory() as folder:
        prices = Path(folder) / "prices.npz"
        write_prices(prices, *(SMALL if quick else SIZE))
        own = partial(race.own, "benchmarks.parts.features", "serve", str(prices))
        peers = partial(race.peer, "features.py", str(prices))
        entries = [(name, own) for name in (OURS, PASS, INPUTS)]
        outcome = race.run([*entries, *((name, peers) for name in PEERS)], 1 if quick else 5)
    return summary(outcome)


def summary(outcome: race.Race) -> Result:
    """Rows of the page; a peer that computes something else is not compared."""
    found, ours = Result(), outcome.times[OURS]
    for name in PEERS:
        times = outcome.times.get(name)
        if times and times.value and not np.allclose(times.value, ours.value, rtol=AGREE, atol=0):
            outcome.failed[name] = f"it computes {times.value}, we {ours.value}"
            del outcome.times[name]
    limit, inputs = outcome.times.pop(PASS), outcome.times.pop(INPUTS)
    passes = [mine / one for mine, one in zip(ours.cpu, limit.cpu, strict=True)]
    found.budgets.append(
        Budget(
            "features in memory, in passes over their bytes",
            float(np.median(passes)),
            "passes",
            3.0,
            1.6,
            low=min(passes),
            high=max(passes),
        )
    )
    found.take_race(TASK, outcome, OURS)
    for row in found.peers:
        if row.name == "polars":
            found.budgets.append(
                Budget(
                    "features: times as fast as polars' `over`",
                    row.ratio,
                    "x",
                    4.0,
                    6.0,
                    higher=True,
                    low=row.low,
                    high=row.high,
                )
            )
    found.figures = {
        "features_cpu": ours.summary()["median"],
        "inputs_cpu": inputs.summary()["median"],
        "pass_cpu": limit.summary()["median"],
    }
    return found


def write_prices(path: Path, tickers: int, days: int) -> None:
    """Random walks; ``close`` and ``volume``, (tickers, days)."""
    random = np.random.default_rng(7)
    closes = 100 * np.exp(np.cumsum(random.normal(0, 0.015, (tickers, days)), axis=1))
    np.savez(path, close=closes, volume=random.uniform(1e5, 1e7, (tickers, days)))


def serve(path: str) -> None:
    """Our side of the race."""
    prices = np.load(path)
    bars = [
        Bars(open=close * 1.001, high=close * 1.01, low=close * 0.99, close=close, volume=volume)
        for close, volume in zip(prices["close"], prices["volume"], strict=True)
    ]
    source = np.ones((GUIDE, prices["close"].size))
    guide, inputs = features(FeatureSettings()), time_series_features()
    names = [feature.name for feature in guide]

    def compute_guide() -> list[float]:
        for of_ticker in bars:
            of_ticker.cache.clear()
            values = [feature.compute(of_ticker) for feature in guide]
        return [float(values[names.index(name)][-1]) for name in ("sma_21", "vol_14")]

    def compute_inputs() -> None:
        for of_ticker in bars:
            of_ticker.cache.clear()
            for feature in inputs:
                feature.compute(of_ticker)

    copied = np.empty_like(source)
    np.copyto(copied, source)

    def one_pass() -> None:
        # Into memory that is there: the system's zeroing of new pages can take ten times as long.
        np.copyto(copied, source)

    contestant.serve({OURS: compute_guide, INPUTS: compute_inputs, PASS: one_pass}, ("numpy",))


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(sys.argv[2])
    else:
        result.main(measure, __doc__)
