"""Prices of three tickers, the same for a day, as files of a folder and as Yahoo's charts."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from src.core.calendars.nse import nse
from tests.support.many_tickers import LAST, names
from tests.support.pools import wandering
from tests.support.yahoo_replay import EMPTY, chart

TICKERS = names(3)
SESSIONS, EVENINGS = 260, 5
# The first day of a world, and the sessions after it, an episode each.
START, *DAYS = [day for day in nse().array.tolist() if day <= LAST][-EVENINGS - 1 :]
FIELDS = ("open", "high", "low", "close", "volume")
HEADER = "date,open,high,low,close,volume,adj close"
_SESSIONS = [day for day in nse().array.tolist() if day <= LAST][-SESSIONS:]
_PRICES = wandering(SESSIONS, len(TICKERS))


def evening(day: dt.date) -> dt.datetime:
    """Six in the evening of a day in India."""
    return dt.datetime.combine(day, dt.time(12, 30), dt.UTC)


def bars(ticker: str, until: dt.date) -> list[tuple[dt.date, list[float]]]:
    """The bars of a ticker up to a day, each with the values of ``FIELDS``."""
    column = TICKERS.index(ticker)
    return [
        (day, [round(float(getattr(_PRICES, name)[row, column]), 4) for name in FIELDS])
        for row, day in enumerate(_SESSIONS)
        if day <= until
    ]


def lines(ticker: str, until: dt.date) -> list[str]:
    """The lines of a file with these bars, the header first."""
    rows = [",".join([str(day), *map(str, bar), str(bar[3])]) for day, bar in bars(ticker, until)]
    return [HEADER, *rows]


def deliver(folder: Path, until: dt.date) -> None:
    """Put a whole file for each ticker into a folder, and nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    for stray in folder.iterdir():
        stray.unlink()
    for ticker in TICKERS:
        (folder / f"{ticker}.csv").write_text("\n".join(lines(ticker, until)) + "\n")


def charts(until: dt.date) -> dict[Any, Any]:
    """What Yahoo has by a day: the daily bars of all, and no hourly ones."""
    opening = dt.time(3, 45, tzinfo=dt.UTC)
    daily = {
        ticker: chart(
            ticker,
            [(dt.datetime.combine(day, opening), *bar) for day, bar in bars(ticker, until)],
        )
        for ticker in TICKERS
    }
    return daily | {(ticker, "1h"): EMPTY for ticker in TICKERS}
