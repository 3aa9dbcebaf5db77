"""Live models with their inputs, put into a database as a pipeline would; and logged forecasts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from psycopg.rows import dict_row

from src.db.tables.model_events import EventLog
from src.db.tables.serving_inputs import ServingInputs
from src.registry.lifecycle.events import Author
from src.registry.lifecycle.publish import publish
from src.registry.storage.artifact import Artifact
from src.registry.storage.artifact_store import ArtifactStore

# The session of Monday 13 April 2026; the 14th is a holiday.
DAY = dt.date(2026, 4, 13)
LEVELS = [0.025, *(k / 20 for k in range(1, 20)), 0.975]
QUANTILES = [-0.03 + 0.06 * level for level in LEVELS]
INPUTS = {"mom_5": 0.02, "vol_14": 0.015}
SERVING_ROW = {
    "pool": "NSE",
    "feature_date": DAY,
    "features_version": "v1",
    "last_close": 3000.0,
    "inputs": INPUTS,
    "levels": LEVELS,
    "quantiles": QUANTILES,
    "sigma": 0.0125,
    "metrics": [{"name": "zero", "n": 479, "n_eff": 479.0, "skill_vs_zero": 0.0}],
    "note": None,
    "data_source": "yahoo",
    "return_basis": "total",
    "data_hash": "e" * 64,
    "written_at": dt.datetime(2026, 4, 13, 12, 0, tzinfo=dt.UTC),
}


def at(minutes: float = 0) -> Author:
    """Somebody who acts on the evening of ``DAY``."""
    moment = dt.datetime(2026, 4, 13, 12, 0, tzinfo=dt.UTC) + dt.timedelta(minutes=minutes)
    return Author("a test", moment)


def put_inputs(connection: Any, ticker: str, horizon: str, **changes: Any) -> None:
    """Store the inputs of a ticker, in place of those stored before."""
    row = {**SERVING_ROW, "ticker": ticker, "horizon": horizon, **changes}
    put_member(connection, ticker, row["pool"])
    ServingInputs(connection).write([row])


def put_pool_inputs(
    connection: Any, artifact: Artifact, session: dt.date = DAY, **inputs: float
) -> None:
    """Store what a model needs of its pool, in place of what models of before did."""
    row = {name: getattr(artifact, name) for name in ("pool", "horizon", "digest")}
    written = {"session": session, "inputs": inputs, "written_at": SERVING_ROW["written_at"]}
    ServingInputs(connection).write_pool([row | written])


def put_live(
    connection: Any,
    models: Path,
    artifacts: Sequence[Artifact],
    *,
    tickers: Sequence[str] = ("TCS.NS",),
    minutes: float = 0,
    **changes: Any,
) -> list[Artifact]:
    """Publish models with the inputs of tickers of their pools; returned with their digests."""
    log = EventLog(connection)

    def also(live: Sequence[Artifact]) -> None:
        for artifact in live:
            for ticker in tickers:
                put_inputs(connection, ticker, artifact.horizon, pool=artifact.pool, **changes)
            put_pool_inputs(connection, artifact)

    return publish(ArtifactStore(models), log, artifacts, at(minutes), also)


def put_member(connection: Any, ticker: str, pool: str = "NSE") -> None:
    """Make a ticker a member of a pool, with the bar of ``SERVING_ROW``."""
    connection.execute(
        "INSERT INTO pool_members (ticker, pool, newest_session, last_close, source, "
        "return_basis, features_version, data_hash) "
        "VALUES (%s, %s, %s, 3000, 'yahoo', 'total', 'v1', 'e') ON CONFLICT DO NOTHING",
        (ticker, pool, DAY),
    )


def put_price(connection: Any, ticker: str) -> None:
    """Store one clean bar of a ticker."""
    connection.execute(
        "INSERT INTO raw_daily_prices_clean (ticker, date, open, high, low, close, volume, "
        "adj_close, source, return_basis, action_pending) "
        "VALUES (%s, %s, 1, 1, 1, 1, 1, 1, 'yahoo', 'total', false)",
        (ticker, DAY),
    )


def logged(url: str, columns: str = "count(*)") -> list[Any]:
    """Columns of all logged forecasts."""
    with psycopg.connect(url) as connection:
        sql = f"SELECT {columns} FROM predictions ORDER BY 1"
        return connection.execute(sql).fetchall()  # type: ignore[arg-type]


def quantile_at(share: float, levels: Sequence[float] = LEVELS) -> float:
    """The quantile of ``QUANTILES`` at a level: they lie on a line."""
    return float(np.interp(share, levels, QUANTILES))


def scored_forecasts(connection: Any, ticker: str, horizon: str) -> list[dict[str, Any]]:
    """Forecasts with their newest outcome, by feature date."""
    sql = (
        "SELECT DISTINCT ON (p.feature_date, p.made_at, p.version, p.data_hash) p.*, "
        "o.label_end, o.realised_return, o.matured_at, o.note FROM predictions p "
        "JOIN prediction_outcomes o "
        "USING (ticker, horizon, feature_date, version, data_hash, kind) "
        "WHERE ticker = %s AND horizon = %s ORDER BY p.feature_date, p.made_at, p.version, "
        "p.data_hash, o.matured_at DESC"
    )
    with connection.cursor(row_factory=dict_row) as cursor:
        return list(cursor.execute(sql, (ticker, horizon)).fetchall())
