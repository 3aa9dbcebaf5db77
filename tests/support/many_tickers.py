"""Folders of price files of many synthetic tickers, small enough to be read at once."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg

from src.core.calendars.nse import nse
from tests.support.pools import wandering

LAST = dt.date(2026, 6, 30)
# A run on the evening of that day, of tickers that are as short as these.
EVENING = {
    "FORECAST_NOW": "2026-06-30T18:00+05:30",
    "FORECAST_DATA__MIN_ROWS_REQUIRED": "20",
}
# What differs from one run to the next although the prices are the same.
NUMBERED = ("batch_id", "previous_batch_id", "by_whom", "event_id")
OF_RUNS = (
    "pipeline_runs",
    "stage_runs",
    "run_tickers",
    "prepared_tickers",
    "data_version",
    "source_pace",
)


def names(count: int) -> list[str]:
    """``S000.NS``, ``S001.NS`` …"""
    return [f"S{number:03}.NS" for number in range(count)]


def write_files(
    folder: Path, count: int, sessions: int = 60, until: dt.date = LAST, *, traded: bool = False
) -> list[str]:
    """A file for each of ``count`` tickers, of the same prices whatever else is written.

    The volume is the same in all sessions unless it is ``traded``; some inputs need it to vary.
    """
    folder.mkdir(parents=True, exist_ok=True)
    days = [day for day in nse().array.tolist() if day <= LAST][-sessions:]
    prices = wandering(len(days), count)
    for column, ticker in enumerate(names(count)):
        lines = ["date,open,high,low,close,volume"]
        for row, day in enumerate(days):
            bar = [getattr(prices, name)[row, column] for name in ("open", "high", "low", "close")]
            volume = f"{prices.volume[row, column]:.0f}" if traded else "1000"
            if day <= until:
                lines.append(",".join([str(day), *(f"{price:.4f}" for price in bar), volume]))
        (folder / f"{ticker}.csv").write_text("\n".join(lines) + "\n")
    return names(count)


def results(home: Path) -> dict[str, Any]:
    """results.json of the newest run."""
    folder = max((home / "mlops/runs").iterdir(), key=lambda run: run.stat().st_mtime_ns)
    content: dict[str, Any] = json.loads((folder / "results.json").read_text())
    return content


def contents(url: str, without: Sequence[str] = NUMBERED) -> dict[str, tuple[int, str]]:
    """Table name to (rows, MD5 of them), without columns that differ from run to run."""
    sql = (
        "SELECT table_name, "
        "string_agg('t.' || quote_ident(column_name), ', ' ORDER BY column_name) "
        "FROM information_schema.columns WHERE table_schema = 'public' "
        "AND column_name <> ALL(%s) AND table_name <> ALL(%s) "
        "AND table_name <> 'model_inputs' GROUP BY 1 ORDER BY 1"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        tables = connection.execute(sql, (list(without), list(OF_RUNS))).fetchall()
        return {
            table: connection.execute(
                f"SELECT count(*), md5(string_agg(row::text, '|' ORDER BY row::text)) "
                f"FROM (SELECT ROW({columns}) AS row FROM {table} t) rows"
            ).fetchone()  # type: ignore[misc]
            for table, columns in tables
        }
