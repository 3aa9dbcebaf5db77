"""How forecasts have done, measured once for all pages: skill by ticker, and what bands held."""

from __future__ import annotations

import numpy as np
import streamlit as st

from src.core.arrays import Floats
from src.core.calendars.exchanges import calendar_of, exchange_of
from src.dashboard import readers
from src.dashboard.judged import LEVEL
from src.db.reconnect import Connection
from src.db.watched.drift import DriftTables
from src.modeling.evaluation import hac
from src.modeling.evaluation.forecast_record import POINT, read_matrices
from src.modeling.report.statistics.measures import MIN_PERIODS, NOTHING, Measure, skill
from src.monitoring.drift.daily import arrange
from src.registry.storage.artifact_store import ArtifactStore

# Sessions of forecasts whose outcomes count: the newest.
SESSIONS = 250
# Of every range, in words.
RANGE = "95 % range"
POOL = ""


@st.cache_data(max_entries=16, show_spinner=False)
def skills(pool: str, horizon: str, digest: str, candidate: str) -> dict[str, Measure]:
    """How much smaller a candidate's errors were than those of no change, by ticker.

    Over the newest sessions of the walk-forward that the set of this digest was judged by, those
    that are stored with it, with 95 % ranges; verdicts rest on its whole length. The whole pool's
    under ``POOL``. Empty where the set has no such record that can be read.

    Raises:
        CorruptArtifact: The record is missing or changed.
    """
    stored = ArtifactStore.of(readers.settings()).forecasts(pool, horizon, digest)
    if not stored:
        return {}
    name = f"{POINT}{candidate}"
    try:
        _, tickers, columns = read_matrices(stored, ["actual", name])
    except ValueError:
        return {}
    if name not in columns:
        return {}
    actual = columns["actual"].astype(np.float64)
    # Over all sessions of the record, as run reports and the page Analytics measure it.
    measures = skill(
        np.abs(actual - columns[name]),
        np.abs(actual),
        readers.horizons()[horizon],
        range(len(tickers)),
        LEVEL,
    )
    return {POOL: measures.pool} | {
        ticker: measures.of(column) for column, ticker in enumerate(tickers)
    }


def held(pool: str, horizon: str, level: float, ticker: str) -> Measure:
    """The share of outcomes of the last 250 sessions inside the band of a level, as served.

    Averaged over the pool's tickers day by day first, so that its 95 % range allows for tickers
    that move together and for outcomes that overlap.

    Args:
        pool: Whose forecasts.
        horizon: ``short`` or ``long``.
        level: Such as .8.
        ticker: One of the pool, which tells its exchange.
    """
    return readers.read(_held, pool, horizon, level, ticker, readers.horizons()[horizon])


def _held(
    connection: Connection, pool: str, horizon: str, level: float, ticker: str, sessions: int
) -> Measure:
    calendar = calendar_of(exchange_of(ticker))
    last = calendar.last_closed(readers.now())
    place = int(calendar.array.searchsorted(np.datetime64(last, "D")))
    since = calendar.array[max(place - SESSIONS - sessions, 0)].item()
    closes = {day: calendar.hours(day).closes for day in calendar.sessions(since, last)}
    rows = DriftTables(connection).outcomes(pool, horizon, since, closes)
    inside = arrange(rows, level).inside[-SESSIONS:]
    return _mean(inside, sum(row["n"] for row in rows), sessions)


def _mean(inside: Floats, n: int, sessions: int) -> Measure:
    """The mean of a share by day; without a range where too few days do not overlap."""
    if not len(inside):
        return NOTHING
    value, n_eff = float(inside.mean()), len(inside) / sessions
    test = hac.mean_test(inside - value, sessions)
    half = float(hac.critical(test.b, LEVEL) * test.noise / np.sqrt(test.n))
    if n_eff < MIN_PERIODS or not np.isfinite(half):
        return Measure(value, None, None, n, len(inside), n_eff)
    low, high = max(value - half, 0.0), min(value + half, 1.0)
    return Measure(value, low, high, n, len(inside), n_eff)
