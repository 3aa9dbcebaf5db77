"""Distributions of returns beside statsforecast's and MAPIE's: time, and CRPS on the same outcomes.

Run: python -m benchmarks.parts.intervals [--quick]. The prices are those of real shares where
FORECAST_TEST_DATA or ../shared/data has them, else a synthetic market; the result says which.
Scores are of nine quantiles, every fifth session of about a year, the same outcomes for all.
"""

from __future__ import annotations

import os
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.page import result
from benchmarks.page.result import Peer, Result
from benchmarks.parts import race
from benchmarks.parts.panel_features import clean_prices
from benchmarks.peers import contestant
from benchmarks.studies.intervals import build_panel
from src.core.arrays import Floats
from src.core.tables import OHLCV
from src.modeling.evaluation import interval_metrics
from src.modeling.intervals import distribution, volatility
from src.modeling.intervals.quantiles import LEVELS as OUR_LEVELS

LEVELS = np.array([0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975])
HORIZONS, EVERY, ORIGINS, TICKERS = (1, 63), 5, 50, 12
OURS, PEERS = "ours", ("statsforecast", "MAPIE")


def measure(quick: bool) -> Result:
    """Time in turn, and the scores of what was forecast."""
    found, count = Result(), 8 if quick else ORIGINS
    with tempfile.TemporaryDirectory() as folder:
        clean, whose = prices(3 if quick else TICKERS)
        clean.write_parquet(Path(folder) / "clean.parquet")
        close = wide(clean)
        last = len(close) - 1 - max(HORIZONS)
        origins = np.arange(last - EVERY * (count - 1), last + 1, EVERY)
        stored = Path(folder) / "closes.npz"
        days = clean["date"].unique().sort().to_numpy()[origins]
        np.save(Path(folder) / "days.npy", days.astype("datetime64[D]"))
        np.savez(stored, close=close, origins=origins, levels=LEVELS)
        own = partial(race.own, "benchmarks.parts.intervals", "serve", folder)
        peers = partial(race.peer, "intervals.py", str(stored), folder)
        starts = [(OURS, own), *((name, peers) for name in PEERS)]
        entries = [(f"{name} {h}", start) for h in HORIZONS for name, start in starts]
        outcome = race.run(entries, 1 if quick else 2, warm_up=False)
        for horizon in HORIZONS:
            actual = close[origins + horizon] / close[origins] - 1
            _compare(found, outcome, horizon, actual)
    found.versions = outcome.versions
    found.missing = {f"intervals: {name}": why for name, why in outcome.failed.items()}
    found.notes = [
        f"Distributions: {whose}, {len(origins)} forecasts of each share at each horizon. Of "
        "statsforecast one session ahead is scored GARCH's variance with normal quantiles: its own "
        "intervals are centred on a return that it draws."
    ]
    return found


def prices(tickers: int) -> tuple[pl.DataFrame, str]:
    """Clean rows, and whose they are."""
    data = Path(os.environ.get("FORECAST_TEST_DATA") or race.ROOT.parent / "shared/data")
    folder = data / "nse_daily_upstox"
    files = sorted(folder.glob("*.csv"))
    if not files:
        return pl.concat(clean_prices(1240, tickers)), f"{tickers} synthetic shares"
    rows = pl.concat(_real(path) for path in files)
    whole = rows.group_by("ticker").len().filter(pl.col("len") == pl.col("len").max())
    names = sorted(whole["ticker"])[:tickers]
    return rows.filter(pl.col("ticker").is_in(names)), f"{len(names)} real NSE shares"


def _real(path: Path) -> pl.DataFrame:
    day = pl.col("timestamp").str.slice(0, 10).str.to_date().alias("date")
    values = [pl.col(name).cast(pl.Float64) for name in OHLCV]
    return pl.read_csv(path).select(
        pl.lit(f"{path.name.split('_')[0]}.NS").alias("ticker"),
        day,
        *values,
        adj_close=pl.col("close").cast(pl.Float64),
        source=pl.lit("csv"),
        return_basis=pl.lit("price"),
        action_pending=pl.lit(value=False),
    )


def wide(clean: pl.DataFrame) -> Floats:
    """Adjusted closes; (sessions, tickers)."""
    columns = clean.pivot("ticker", index="date", values="adj_close").sort("date").drop("date")
    return columns.select(sorted(columns.columns)).to_numpy()


def _compare(found: Result, outcome: race.Race, horizon: int, actual: Floats) -> None:
    ours = outcome.times[f"{OURS} {horizon}"]
    score = _crps(ours.value, actual)
    words = f"distributions {horizon} session{'s' if horizon > 1 else ''} ahead"
    for name in PEERS:
        theirs = outcome.times.get(f"{name} {horizon}")
        if theirs is None:
            continue
        found.peers.append(result.compared(f"{words}, time", name, ours, theirs))
        other = _crps(theirs.value, actual)
        found.peers.append(Peer(f"{words}, CRPS", name, other / score, score, other, ""))


def _crps(path: str, actual: Floats) -> float:
    return float(np.nanmean(interval_metrics.crps(actual, np.load(path), LEVELS)))


def forecast(clean: pl.DataFrame, days: np.ndarray, horizon: int, out: Path) -> str:
    """Ours, from clean prices, of the sessions ``days``; the path of the quantiles."""
    panel = build_panel(clean)
    origins = np.searchsorted(panel.sessions, days)
    forecasts = distribution.walk_forward(
        panel, horizon, since=int(origins[0]), inputs=volatility.build_inputs(panel)
    )
    wanted = [int(np.argmin(np.abs(OUR_LEVELS - level))) for level in LEVELS]
    tickers = np.argsort(panel.tickers)
    np.save(out, forecasts.quantiles(origins)[:, tickers][:, :, wanted])
    return str(out)


def serve(folder: str) -> None:
    """Our side of the race."""
    clean = pl.read_parquet(Path(folder) / "clean.parquet")
    days = np.load(Path(folder) / "days.npy")
    contestant.serve(
        {
            f"{OURS} {h}": partial(forecast, clean, days, h, Path(folder) / f"ours_{h}.npy")
            for h in HORIZONS
        }
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(sys.argv[2])
    else:
        result.main(measure, __doc__)
