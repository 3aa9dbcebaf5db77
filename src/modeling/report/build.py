"""Build the report pages of a run from its models, their records and its forecasts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from src.core.arrays import Days, Floats
from src.modeling.report.data import CurrentForecast, HorizonData, ReportData, verdict_of
from src.modeling.report.page import render_page
from src.modeling.report.pool_page import render_pool_page
from src.modeling.serving.contributions import contributions
from src.stages.engine.engine import IN_PROCESS, Engine

if TYPE_CHECKING:
    from src.modeling.evaluation.forecast_record import ForecastRecord
    from src.registry.storage.artifact import Artifact


@dataclass(frozen=True, eq=False)
class HorizonInputs:
    """One horizon of a pool.

    Attributes:
        artifact: Of the newest training, whose verdict is shown.
        record: The evidence of that training.
        entries: Of ``forecasts`` in results.json, by ticker: of the model that answers, which is
            another one where a version is pinned.
        values: The artifact's inputs by name at each ticker's newest bar.
    """

    artifact: Artifact
    record: ForecastRecord
    entries: Mapping[str, Mapping[str, Any]]
    values: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, eq=False)
class PoolReport:
    """A pool, its horizons, the shortest first, and each ticker's latest adjusted closes."""

    pool: str
    horizons: Sequence[HorizonInputs]
    closes: Mapping[str, tuple[Days, Floats]]


def build_reports(
    pool: PoolReport,
    *,
    single: bool,
    run_id: str,
    now: dt.datetime,
    engine: Engine = IN_PROCESS,
) -> dict[str, str]:
    """The pages of a pool as HTML, by file name.

    For a ``single`` ticker ``report.html``, with every horizon; else a page for each horizon, such
    as ``report_NSE_short.html``, on which a ticker can be chosen.
    """
    data = _report_data(pool, run_id, now)
    if not data.tickers:
        return {}
    if single:
        return {"report.html": render_page(data, data.tickers[0])}
    shared = engine.share(data)
    pages = {
        f"report_{pool.pool}_{inputs.artifact.horizon}.html": engine.submit(
            render_pool_page, shared, place
        )
        for place, inputs in enumerate(pool.horizons)
        if inputs.entries
    }
    return {name: page.result() for name, page in pages.items()}


def _report_data(pool: PoolReport, run_id: str, now: dt.datetime) -> ReportData:
    return ReportData(
        pool=pool.pool,
        horizons=[_horizon_data(inputs) for inputs in pool.horizons],
        closes=pool.closes,
        data_hash=pool.horizons[0].artifact.data_hash,
        run_id=run_id,
        time=now,
    )


def _horizon_data(inputs: HorizonInputs) -> HorizonData:
    artifact = inputs.artifact
    return HorizonData(
        record=inputs.record,
        challenger=artifact.candidate,
        verdict=verdict_of(artifact),
        pool_size=artifact.tickers,
        forecasts={
            ticker: CurrentForecast.from_entry(entry) for ticker, entry in inputs.entries.items()
        },
        contributions={
            ticker: contributions(artifact.model, values)
            for ticker, values in inputs.values.items()
            if ticker in inputs.entries
        },
    )
