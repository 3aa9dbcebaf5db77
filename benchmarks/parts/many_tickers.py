"""Many synthetic tickers from files to clean prices, or through the whole pipeline.

Run: python -m benchmarks.parts.many_tickers [TICKERS SESSIONS] [--pipeline] [OPTION …]  (default:
500 5000). Each step is run three times: from empty tables, with nothing new, and with one session
more. Prints wall seconds, cpu seconds of the client and of the server, and the client's peak
memory. Other options are those of ``mlops.pipeline``.
"""

import argparse
import datetime as dt
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks.parts.home import Usage, temporary_home
from src.core.arrays import Floats
from src.core.calendars.nse import nse

LAST = dt.date(2026, 4, 10)
SEED = 11
# Daily volatilities of the market and of a share by itself; how long a calm or a storm lasts.
MARKET, OWN, PERSISTENCE, SPREAD = 0.009, 0.014, 0.97, 0.1
# One share in five was listed later than the others; a few sessions are missing here and there.
NEWCOMERS, LATEST, MISSING = 0.2, 0.6, 0.002


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


def newest_sessions(count: int) -> list[dt.date]:
    """The last sessions up to ``LAST`` and one more, which is the evening's."""
    until = int(nse().array.searchsorted(np.datetime64(LAST), side="right"))
    days: list[dt.date] = nse().array[until + 1 - count : until + 1].tolist()
    return days


def evening(day: dt.date) -> dt.datetime:
    """When the day's session has closed."""
    return dt.datetime.combine(day, dt.time(14), dt.UTC)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size", type=int, nargs="*", default=[500, 5000])
    parser.add_argument("--pipeline", action="store_true")
    args, options = parser.parse_known_args()
    tickers, sessions = args.size
    days = newest_sessions(sessions + 1)
    with temporary_home() as home:
        files = home.folder / "files"
        for name, count in (("first", -1), ("nothing new", -1), ("one session more", None)):
            if name != "nothing new":
                write_files(files, tickers, days[:count])
            now = evening(days[:count][-1])
            source = ["--all", "--source", "csv", "--path", str(files)]
            if args.pipeline:
                show(name, home.run(["mlops.pipeline", *source, *options], now))
                continue
            show(f"{name}: ingest", home.run(["src.data.ingest", "write", *source], now))
            show(f"{name}: cleaning", home.run(["src.data.cleaning", "write", "--all"], now))


def show(name: str, usage: Usage) -> None:
    """Print what a command took."""
    print(
        f"{name:<28} wall {usage.wall:7.1f} s   client {usage.client:7.1f} s   "
        f"server {usage.server:6.1f} s   peak {usage.peak:6.0f} MiB",
        flush=True,
    )


if __name__ == "__main__":
    main()
