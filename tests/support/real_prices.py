"""A database of real prices, filled by the project's own commands, and copies of it to work on."""

from __future__ import annotations

import csv
import datetime as dt
import os
import shutil
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from src.db.connection import normalise_url
from src.db.migrate import ensure_schema
from tests.support.services import NOW
from tests.support.starter import Starter

TCS = "TCS.NS"
POOL = ("COALINDIA.NS", "MARUTI.NS", "NESTLEIND.NS", "SUNPHARMA.NS", "WIPRO.NS")
TICKERS = (*POOL, TCS)
# The day of the newest bar in the file of TCS; what the other files hold beyond it is not used.
NEWEST = dt.date(2026, 4, 13)
TCS_FILE = "tcs_daily/yahoo_2026-04-13.csv"

# NSE's circular for 2026, second half: weekdays closed, and the Sunday of Diwali (Muhurat).
CLOSED_LATER = ["2026-09-14", "2026-10-02", "2026-10-20", "2026-11-10", "2026-11-24", "2026-12-25"]
MUHURAT_2026 = dt.date(2026, 11, 8)
LAST_ANNOUNCED = dt.date(2026, 12, 31)
# Republic, Ambedkar, Maharashtra and Independence Day, Gandhi Jayanti, Christmas: no calendar
# moves them, and NSE has never traded on one.
FIXED_HOLIDAYS = ("01-26", "04-14", "05-01", "08-15", "10-02", "12-25")


@dataclass(frozen=True)
class FilledDatabase:
    """A database and the home that belongs to it."""

    url: str
    home: Path
    starter: Starter

    def run(self, module: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run ``python -m …`` on both as a user would, to its good end."""
        own = ("FORECAST_", "PG", "DATABASE_URL", "TICKER", "LOG_LEVEL")
        others = {name: value for name, value in os.environ.items() if not name.startswith(own)}
        settings = {"FORECAST_HOME": str(self.home), "DATABASE_URL": self.url, "FORECAST_NOW": NOW}
        done = self.starter.run(module, [str(word) for word in arguments], others | settings, 120)
        assert done.returncode == 0, done.stderr
        return done

    def rows(self, sql: str, *parameters: object) -> list[dict[str, Any]]:
        """All rows of a query, by column."""
        with psycopg.connect(self.url, row_factory=dict_row) as connection:
            return connection.execute(sql, parameters).fetchall()


class Databases:
    """Databases on one server, each with a home under one folder."""

    def __init__(self, server: str, folder: Path, starter: Starter) -> None:
        self._server, self._folder, self._starter = server, folder, starter
        self._names = list[str]()

    def empty(self) -> FilledDatabase:
        database = self._create("template1")
        ensure_schema(database.url)
        database.home.mkdir()
        return database

    def copy(self, other: FilledDatabase) -> FilledDatabase:
        """The same again; nobody may be connected to the other."""
        database = self._create(str(conninfo_to_dict(other.url)["dbname"]))
        shutil.copytree(other.home, database.home)
        return database

    def drop(self) -> None:
        with psycopg.connect(self._server, autocommit=True) as admin:
            for name in self._names:
                admin.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _create(self, template: str) -> FilledDatabase:
        name = f"real_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self._server, autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        self._names.append(name)
        url = normalise_url(self._server.replace("/forecast_db?", f"/{name}?"))
        return FilledDatabase(url, self._folder / name, self._starter)


def fill(place: FilledDatabase, data: Path, folder: Path) -> None:
    """Bring in six tickers, and train their pool."""
    for ticker in POOL:
        (folder / f"{ticker}.csv.gz").symlink_to(data / "nse_daily_yahoo" / f"{ticker}.csv.gz")
    place.run("src.data.ingest", "write", "--all", "--source", "csv", "--path", folder)
    place.run("src.data.cleaning", "write", "--all")
    place.run("mlops.pipeline", "--ticker", TCS, "--source", "csv", "--path", data / TCS_FILE)
    place.run("mlops.pipeline", "--all")


def trading_days(data: Path, until: int = 2029) -> list[dt.date]:
    """Sessions as the check data has them, then as the circular has them, then as can be guessed.

    Guessed are Mondays to Fridays that are no holiday of a fixed date.
    """
    with (data / "nse_trading_days.csv").open(newline="") as lines:
        listed = [dt.date.fromisoformat(row["date"]) for row in csv.DictReader(lines)]
    fixed = [f"{year}-{day}" for year in range(2027, until) for day in FIXED_HOLIDAYS]
    later = np.arange(listed[-1] + dt.timedelta(1), f"{until}-01-01", dtype="datetime64[D]")
    open_later = later[np.is_busday(later, holidays=[*CLOSED_LATER, *fixed])].tolist()
    return sorted([*listed, *open_later, MUHURAT_2026])
