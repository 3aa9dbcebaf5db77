"""Live models with their inputs, put into a database as a pipeline would; and logged forecasts."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from psycopg.rows import dict_row

from src.db.tables.model_events import EventLog
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
    "feature_date": DAY,
    "features_version": "v1",
    "last_close": 3000.0,
    "inputs": INPUTS,
    "levels": LEVELS,
    "quantiles": QUANTILES,
    "sigma": 0.0125,
    "data_source": "yahoo",
    "return_basis": "total",
    "data_hash": "e" * 64,
    "written_at": dt.datetime(2026, 4, 13, 12, 0, tzinfo=dt.UTC),
}


def at(minutes: float = 0) -> Author:
    """Somebody who acts on the evening of ``DAY``."""
    moment = dt.datetime(2026, 4, 13, 12, 0, tzinfo=dt.UTC) + dt.timedelta(minutes=minutes)
    return Author("a test", moment)


def put_inputs(connection: Any, artifact: Artifact, **changes: Any) -> None:
    """Store the inputs of a model, replacing those stored before."""
    row = {
        **SERVING_ROW,
        "ticker": artifact.ticker,
        "horizon": artifact.horizon,
        "digest": artifact.digest,
        **changes,
    }
    row["inputs"] = json.dumps(row["inputs"])
    names, marks = ", ".join(row), ", ".join(f"%({name})s" for name in row)
    changed = ", ".join(f"{name} = EXCLUDED.{name}" for name in row)
    connection.execute(
        f"INSERT INTO serving_inputs ({names}) VALUES ({marks}) "
        f"ON CONFLICT (ticker, horizon, digest) DO UPDATE SET {changed}",
        row,
    )


def put_live(
    connection: Any,
    models: Path,
    artifacts: Sequence[Artifact],
    *,
    minutes: float = 0,
    **changes: Any,
) -> list[Artifact]:
    """Publish models and store their inputs; returned with their digests."""
    stored = publish(ArtifactStore(models), EventLog(connection), artifacts, at(minutes))
    for artifact in stored:
        put_inputs(connection, artifact, **changes)
    return stored


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
        "JOIN prediction_outcomes o USING (ticker, horizon, feature_date, version, data_hash) "
        "WHERE ticker = %s AND horizon = %s ORDER BY p.feature_date, p.made_at, p.version, "
        "p.data_hash, o.matured_at DESC"
    )
    with connection.cursor(row_factory=dict_row) as cursor:
        return list(cursor.execute(sql, (ticker, horizon)).fetchall())
