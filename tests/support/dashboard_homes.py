"""A home folder with real prices of 21 tickers, forecasts of a year and what became of them."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import psycopg

from src.core.calendars.nse import nse
from src.db.database import DATA_DIR
from src.db.embedded.lease import acquire
from tests.support.dashboards import NOW, OF_OURS, ROOT
from tests.support.logged_forecasts import log_forecasts, logged_forecast, record_outcomes

TICKERS = 20
SESSIONS = 250
HORIZONS = {"short": 1, "long": 63}


def build_home(home: Path, data: Path) -> None:
    """Run the pipeline over TCS and 20 others, and log a year of its walk-forward forecasts."""
    files = [data / "tcs_daily" / "yahoo_2026-04-13.csv"]
    folder = home / "files"
    folder.mkdir(parents=True)
    (folder / "TCS.NS.csv").write_bytes(files[0].read_bytes())
    for path in sorted((data / "nse_daily_yahoo").glob("*.csv.gz"))[:TICKERS]:
        (folder / path.name).write_bytes(path.read_bytes())
    environment = {k: v for k, v in os.environ.items() if not k.startswith(OF_OURS)}
    environment |= {"FORECAST_HOME": str(home), "FORECAST_NOW": NOW}
    run(environment, "mlops.pipeline", "--all", "--source", "csv", "--path", str(folder))
    with acquire(home / DATA_DIR) as lease, psycopg.connect(lease.url, autocommit=True) as opened:
        for horizon, sessions in HORIZONS.items():
            log_walk_forward(opened, home, horizon, sessions)
    run(environment, "mlops.monitoring", "watch", "--once")


def run(environment: dict[str, str], module: str, *arguments: str) -> None:
    """Run a command; one that leaves a ticker out exits with 1."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stderr


def log_walk_forward(
    connection: psycopg.Connection, home: Path, horizon: str, sessions: int
) -> None:
    """Log the forecasts that the walk-forward made for the last sessions, with their outcomes."""
    (path,) = (home / "models" / "NSE" / horizon).glob("*/forecasts.parquet")
    record = pl.read_parquet(path).with_columns(pl.col("ticker").cast(pl.String))
    record = record.filter(pl.col("q500").is_not_null())
    first = record["made"].unique().sort()[-SESSIONS - sessions]
    record = record.filter(pl.col("made") >= first)
    names = [name for name in record.columns if name[0] == "q"]
    levels = [int(name[1:]) / 1000 for name in names]
    calendar, rows = nse(), []
    closes = {
        (ticker, day): close
        for ticker, day, close in connection.execute(
            "SELECT ticker, date, close FROM features_daily WHERE date >= %s", (first,)
        )
    }
    for row in record.iter_rows(named=True):
        day, target = row["made"], calendar.ahead(row["made"], sessions)
        point = row["point_served"] or 0.0
        rows.append(
            logged_forecast(day, target, row["actual"])
            | {
                "ticker": row["ticker"],
                "horizon": horizon,
                "sessions": sessions,
                "last_close": closes[row["ticker"], day],
                "model": "rank_tilt" if point else "zero",
                "point": point,
                "levels": levels,
                "quantiles": [row[name] for name in names],
                "sigma": row["sigma"],
                "matured_at": calendar.hours(target).closes + dt.timedelta(hours=2),
            }
        )
    log_forecasts(connection, *rows)
    record_outcomes(connection, *(row for row in rows if row["realised_return"] is not None))
