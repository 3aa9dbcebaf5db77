"""Gather what the report pages of a pool are drawn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from src.core.arrays import Days, Floats
from src.core.errors import BadInput
from src.core.tables import FEATURES_DAILY, HORIZONS
from src.modeling.evaluation.forecast_record import ForecastRecord, read_parquet
from src.modeling.report.build import HorizonInputs, PoolReport, build_reports
from src.modeling.serving.pool_inputs import pool_row_of

if TYPE_CHECKING:
    from src.modeling.panel.panel import Panel
    from src.registry.storage.artifact import Artifact
    from src.stages.stage import RunContext

Row = Mapping[str, Any]
Closes = Mapping[str, tuple[Days, Floats]]


def draw(
    context: RunContext,
    trained: Sequence[Artifact],
    forecasts: Sequence[Row],
    rows: Sequence[Row],
    closes: Closes,
) -> dict[str, str]:
    """The report pages of one pool by file name, of the tickers that have ``forecasts``.

    ``trained`` are the models of the newest training with the forecasts that they were judged by,
    the short horizon first; ``rows`` are those of ``serving_inputs`` of the whole pool, ``closes``
    by ticker.

    Raises:
        BadInput: A model has no forecasts.
    """
    if not forecasts:
        return {}
    pool = PoolReport(
        trained[0].pool,
        [_horizon(context, artifact, forecasts, rows) for artifact in trained],
        closes,
    )
    single = len(context.tickers) == 1
    return build_reports(
        pool, single=single, run_id=context.run_id, now=context.now, engine=context.engine
    )


def draw_stored(context: RunContext, pool: str, forecasts: Sequence[Row]) -> dict[str, str]:
    """The same from what the newest training of a pool stored; nothing without one.

    Raises:
        BadInput: It stored no forecasts.
        CorruptArtifact: Its files are damaged or missing.
    """
    models, records = context.models, context.records
    if models is None or records is None:
        return {}
    events = [models.newest(pool, horizon) for horizon in HORIZONS]
    trained = [
        replace(
            models.store.load(*event.pair, event.digest),
            forecasts=models.store.forecasts(*event.pair, event.digest),
        )
        for event in events
        if event is not None
    ]
    rows = [row for horizon in HORIZONS for row in records.serving.of_pool(pool, horizon)]
    return draw(context, trained, forecasts, rows, _stored_closes(context, forecasts))


def closes_of(panel: Panel) -> Closes:
    """Days and adjusted closes of every ticker of a panel."""
    return {
        ticker: (panel.sessions[there], close[there])
        for ticker, close in zip(panel.tickers, panel.close.T, strict=True)
        for there in (np.isfinite(close),)
    }


def _horizon(
    context: RunContext,
    artifact: Artifact,
    forecasts: Sequence[Row],
    rows: Sequence[Row],
) -> HorizonInputs:
    pool_inputs = pool_row_of(artifact, rows, context.now)["inputs"]
    return HorizonInputs(
        artifact=artifact,
        record=_record(artifact),
        entries={
            entry["ticker"]: entry
            for entry in forecasts
            if entry["horizon"] == f"{artifact.sessions}-day"
        },
        values={
            row["ticker"]: row["inputs"] | pool_inputs
            for row in rows
            if row["horizon"] == artifact.horizon
        },
    )


def _record(artifact: Artifact) -> ForecastRecord:
    try:
        return read_parquet(artifact.forecasts)
    except ValueError as error:
        raise BadInput(
            f"The {artifact.horizon} model of pool {artifact.pool} was stored without the "
            "forecasts that it was judged by: train again."
        ) from error


def _stored_closes(context: RunContext, forecasts: Sequence[Row]) -> Closes:
    tickers = sorted({entry["ticker"] for entry in forecasts})
    columns = ("ticker", "date", "adj_close")
    rows = context.store.load(FEATURES_DAILY, tickers, context.as_of, columns).drop_nulls()
    return {
        str(ticker): (
            bars["date"].to_numpy().astype("datetime64[D]"),
            bars["adj_close"].to_numpy(),
        )
        for (ticker,), bars in rows.group_by("ticker", maintain_order=True)
    }
