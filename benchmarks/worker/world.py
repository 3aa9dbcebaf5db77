"""A home with a few synthetic NSE tickers and a worker, for the benchmarks of the worker."""

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

from src.core.calendars.nse import nse

PIPELINE = ("mlops.pipeline", "--all", "--source", "csv", "--path")
# Rows of these tables must be the same whatever was killed; numbers of batches and of events, and
# when rows were written by the clock of the database, differ.
COMPARED = {
    "raw_daily_prices": "ticker, date, source, open, high, low, close, volume, adj_close",
    "raw_daily_prices_clean": "ticker, date, open, high, low, close, volume, adj_close",
    "features_daily": "ticker, date, close, adj_close, variance, warm_up, inputs",
    "dataset_short": "ticker, date, label_end, target",
    "dataset_long": "ticker, date, label_end, target",
    "serving_inputs": "ticker, horizon, feature_date, last_close, quantiles, data_hash",
    "predictions": "ticker, horizon, feature_date, kind, point, last_close, quantiles, data_hash",
    "prediction_outcomes": "ticker, horizon, feature_date, label_end, realised_return",
}


class Prices:
    """Random walks with a common factor, the same for the same numbers; files up to a session.

    Args:
        tickers: How many.
        first: No session before it is in the files.
        last: The last session that can ever be in them.
    """

    def __init__(self, tickers: int, first: dt.date, last: dt.date) -> None:
        self.names = [f"S{number:03}.NS" for number in range(tickers)]
        self.days = nse().sessions(first, last)
        random = np.random.default_rng(7)
        shape = (len(self.days), tickers)
        moves = random.standard_t(5, (shape[0], 1)) * 0.008 + random.standard_t(5, shape) * 0.01
        close = np.linspace(40, 3000, tickers) * np.exp(np.cumsum(moves, axis=0))
        opened = np.vstack([close[:1], close[:-1]]) * np.exp(random.normal(0, 0.004, shape))
        high = np.maximum(opened, close) * (1 + np.abs(random.normal(0, 0.006, shape)))
        low = np.minimum(opened, close) / (1 + np.abs(random.normal(0, 0.006, shape)))
        volume = np.round(random.lognormal(12, 0.5, shape))
        self._bars = np.stack([opened, high, low, close, volume], axis=2)

    def write(self, folder: Path, until: dt.date, without: str = "") -> None:
        """A file for each ticker up to a session; that of ``without`` ends a session earlier."""
        folder.mkdir(parents=True, exist_ok=True)
        count = sum(day <= until for day in self.days)
        for column, name in enumerate(self.names):
            rows = count - (name == without)
            lines = [
                ",".join([str(day), *(f"{value:.4f}" for value in bar)])
                for day, bar in zip(self.days[:rows], self._bars[:rows, column], strict=True)
            ]
            new = folder / f"{name}.new"
            new.write_text("\n".join(["date,open,high,low,close,volume", *lines]) + "\n")
            new.replace(folder / f"{name}.csv")


def environment(home: Path, url: str, now: dt.datetime) -> dict[str, str]:
    """Of a command in the home at that time, with nothing of this machine's settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FORECAST_")}
    return kept | {
        "FORECAST_HOME": str(home),
        "DATABASE_URL": url,
        "FORECAST_NOW": now.isoformat(),
        "FORECAST_WORKER__SOURCE": "csv",
        "FORECAST_DATA__MIN_ROWS_REQUIRED": "60",
    }


def command(arguments: list[str], env: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Start ``python -m …``; its output is appended to a file."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", *arguments], env=env, stdout=output, stderr=output
        )


def evening(day: dt.date) -> dt.datetime:
    """Six in the evening of a day in India."""
    return dt.datetime.combine(day, dt.time(12, 30), dt.UTC)


def finished(url: str, session: dt.date) -> list[int]:
    """How often runs have finished a session for each ticker that they have finished it for."""
    query = (
        "SELECT count(*) FROM run_tickers WHERE session = %s AND status = 'success' "
        "GROUP BY ticker ORDER BY ticker"
    )
    return [count for (count,) in fetch(url, query, session)]


def fetch(url: str, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """The rows of a query over a connection of its own."""
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(query, parameters).fetchall()


def contents(url: str) -> dict[str, tuple[Any, ...]]:
    """Rows and MD5 of every compared table."""
    found = {}
    for table, columns in COMPARED.items():
        rows = f"SELECT ROW({columns})::text AS x FROM {table}"  # noqa: S608 names of ours
        query = f"SELECT count(*), md5(string_agg(x, '|' ORDER BY x)) FROM ({rows}) rows"  # noqa: S608
        found[table] = fetch(url, query)[0]
    return found
