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


def build_report(results: Sequence[TrainingResult], context: RunContext) -> str:
    """The page of one ticker as HTML; its results come with the shortest horizon first."""
    artifact, panel = results[0].artifact, results[0].walk_forward.panel
    data = ReportData(
        artifact.ticker,
        panel.tickers,
        panel.sessions,
        panel.close[:, panel.tickers.index(artifact.ticker)],
        tuple(horizon_record(result.walk_forward, _status(result, context)) for result in results),
        artifact.data_hash,
        context.run_id,
        context.now,
    )
    return render_page(data)


def _status(result: TrainingResult, context: RunContext) -> ServingStatus:
    entry = result.forecast(context)
    return ServingStatus(
        served=entry["model"]["name"],
        forecast=CurrentForecast(
            feature_date=dt.date.fromisoformat(entry["feature_date"]),
            target_date=dt.date.fromisoformat(entry["target_date"]),
            target_date_estimated=entry["target_date_estimated"],
            last_close=entry["last_close"],
            point=entry["pred_return"],
            quantiles=result.inputs.distribution.quantiles,
        ),
        verdict=result.decision.verdict,
        contributions=contributions(result.artifact.model, result.inputs.values),
        pinned=_pinned_version(result, context),
    )


def _pinned_version(result: TrainingResult, context: RunContext) -> str:
    """Tag of the pinned version that stays live; empty without one."""
    if context.models is None or result.decision.event == "promoted":
        return ""
    state = context.models.state(result.artifact.ticker, result.artifact.horizon)
    pin = state.pinned if state is not None else None
    return (pin.version_tag or "") if pin is not None else ""
