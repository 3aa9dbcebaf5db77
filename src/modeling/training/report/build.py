"""Build the report page of one ticker from its training results."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from src.modeling.serving.contributions import contributions
from src.modeling.training.report.data import (
    CurrentForecast,
    ReportData,
    ServingStatus,
    horizon_record,
)
from src.modeling.training.report.page import render_page

if TYPE_CHECKING:
    from src.modeling.training.result import TrainingResult
    from src.stages.stage import RunContext


def build_report(
    results: Sequence[tuple[TrainingResult, TrainingResult]], context: RunContext
) -> str:
    """The page of one ticker as HTML.

    ``results`` are each horizon's as trained and as answered, which differ where a model is
    pinned; the shortest horizon comes first.
    """
    first = results[0][0]
    artifact, panel = first.artifact, first.walk_forward.panel
    data = ReportData(
        artifact.ticker,
        panel.tickers,
        panel.sessions,
        panel.close[:, panel.tickers.index(artifact.ticker)],
        tuple(
            horizon_record(trained.walk_forward, _status(trained, answered, context))
            for trained, answered in results
        ),
        artifact.data_hash,
        context.run_id,
        context.now,
    )
    return render_page(data)


def _status(
    trained: TrainingResult, answered: TrainingResult, context: RunContext
) -> ServingStatus:
    entry = answered.forecast(context)
    return ServingStatus(
        served=entry["model"]["name"],
        forecast=CurrentForecast(
            feature_date=dt.date.fromisoformat(entry["feature_date"]),
            target_date=dt.date.fromisoformat(entry["target_date"]),
            target_date_estimated=entry["target_date_estimated"],
            last_close=entry["last_close"],
            point=entry["pred_return"],
            quantiles=answered.inputs.distribution.quantiles,
        ),
        verdict=trained.decision.verdict,
        contributions=contributions(trained.artifact.model, trained.inputs.values),
        pinned=(answered.pin.version_tag or "") if answered.pin else "",
    )
