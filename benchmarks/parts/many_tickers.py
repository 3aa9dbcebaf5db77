"""Many synthetic tickers from files to clean prices, or through the whole pipeline.

Run: python -m benchmarks.parts.many_tickers [TICKERS SESSIONS] [--pipeline]  (default: 500 5000).
Each step is run three times: from empty tables, with nothing new, and with one session more. Prints
wall seconds, cpu seconds of the client and of the server, and the client's peak memory; nothing is
asserted.
"""

import argparse
import datetime as dt
import os
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np

from src.core.arrays import Floats
from src.core.calendars.nse import nse
from src.db.database import DATA_DIR
from src.db.embedded.lease import acquire

ROOT = Path(__file__).resolve().parents[2]
LAST = dt.date(2026, 4, 10)
SEED = 11
# Daily volatilities of the market and of a share by itself; how long a calm or a storm lasts.
MARKET, OWN, PERSISTENCE, SPREAD = 0.009, 0.014, 0.97, 0.1
# One share in five was listed later than the others; a few sessions are missing here and there.
NEWCOMERS, LATEST, MISSING = 0.2, 0.6, 0.002
TICKS = os.sysconf("SC_CLK_TCK")


def write_files(folder: Path, tickers: int, days: list[dt.date]) -> None:
    """One CSV a ticker in Yahoo's layout; with more days each file begins as it did before."""
    folder.mkdir(exist_ok=True)
    market = returns(np.random.default_rng([SEED, 0]), MARKET, len(days))
    for number in range(1, tickers + 1):
        rows = "\n".join(lines(number, market, days))
        header = "Date,Open,High,Low,Close,Adj Close,Volume"
        (folder / f"T{number:04}.NS.csv").write_text(f"{header}\n{rows}\n")


def lines(number: int, market: Floats, days: list[dt.date]) -> list[str]:
    """The bars of one share: market and own moves, calm and stormy, with gaps and ranges."""
    once, own, daily = (np.random.default_rng([SEED, number, stream]) for stream in range(3))
    beta, price, later = once.uniform(0.6, 1.4), once.uniform(50, 4000), once.random(2)
    moves = beta * market + returns(own, OWN, len(days))
    gap, up, down, traded, missing = daily.normal(size=(len(days), 5)).T
    close = price * np.exp(np.cumsum(moves))
    opened = close * np.exp(0.005 * gap - 0.5 * moves)
    high = np.maximum(opened, close) * np.exp(0.006 * np.abs(up))
    low = np.minimum(opened, close) * np.exp(-0.006 * np.abs(down))
    volume = np.exp(13 + 0.5 * traded + 10 * np.abs(moves))
    first = int(LATEST * later[1] * 5000) if later[0] < NEWCOMERS else 0
    is_there = np.abs(missing) < -np.log(MISSING) / 2
    is_there[: min(first, len(days) - 300)], is_there[-300:] = False, True
    bars = zip(days, opened, high, low, close, close, volume, is_there, strict=True)
    return [
        f"{day},{','.join(f'{value:.2f}' for value in values)},{shares:.0f}"
        for day, *values, shares, there in bars
        if there
    ]


def returns(random: np.random.Generator, volatility: float, count: int) -> Floats:
    """Daily log returns whose volatility follows a slow path of its own."""
    shocks, moves = random.normal(size=(count, 2)).T
    path = np.zeros(count)
    for before, row in pairwise(range(count)):
        path[row] = PERSISTENCE * path[before] + SPREAD * shocks[row]
    return volatility * np.exp(path) * moves


def run(name: str, arguments: list[str], home: Path, now: dt.datetime) -> None:
    """Run a command and print what it took."""
    environment = os.environ | {"FORECAST_HOME": str(home), "FORECAST_NOW": now.isoformat()}
    server, began = server_seconds(home), time.perf_counter()
    with (home / "output.txt").open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, used = os.wait4(process.pid, 0)
    wall, server = time.perf_counter() - began, server_seconds(home) - server
    print(
        f"{name:<28} wall {wall:7.1f} s   client {used.ru_utime + used.ru_stime:7.1f} s   "
        f"server {server:6.1f} s   peak {used.ru_maxrss / 1024:6.0f} MiB   exit {status >> 8}",
        flush=True,
    )


def server_seconds(home: Path) -> float:
    """The cpu seconds of the server so far, those of connections that have ended included."""
    postmaster = (home / DATA_DIR / "postmaster.pid").read_text().split()[0]
    seconds = 0.0
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if entry.parent.name == postmaster:
            seconds += sum(map(int, fields[11:15])) / TICKS
        elif fields[1] == postmaster:
            seconds += sum(map(int, fields[11:13])) / TICKS
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size", type=int, nargs="*", default=[500, 5000])
    parser.add_argument("--pipeline", action="store_true")
    args = parser.parse_args()
    tickers, sessions = args.size
    until = int(nse().array.searchsorted(np.datetime64(LAST), side="right"))
    days = nse().array[until - sessions : until + 1].tolist()
    with tempfile.TemporaryDirectory() as folder:
        home, files = Path(folder) / "home", Path(folder) / "files"
        home.mkdir()
        with acquire(home / DATA_DIR):
            for name, count in (("first", -1), ("nothing new", -1), ("one session more", None)):
                if name != "nothing new":
                    write_files(files, tickers, days[:count])
                now = dt.datetime.combine(days[:count][-1], dt.time(14), dt.UTC)
                source = ["--all", "--source", "csv", "--path", str(files)]
                if args.pipeline:
                    run(name, ["mlops.pipeline", *source], home, now)
                    continue
                run(f"{name}: ingest", ["src.data.ingest", "write", *source], home, now)
                run(f"{name}: cleaning", ["src.data.cleaning", "write", "--all"], home, now)


if __name__ == "__main__":
    main()
