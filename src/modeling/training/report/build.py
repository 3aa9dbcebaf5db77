"""Build the report page of one ticker from its training results."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from src.modeling.serving.contributions import contributions
from src.modeling.training.report.data import CurrentForecast, ServingStatus, report_data
from src.modeling.training.report.page import render_page

if TYPE_CHECKING:
    from src.modeling.training.result import TrainingResult
    from src.stages.stage import RunContext


def build_report(
    results: Sequence[tuple[TrainingResult, TrainingResult]], context: RunContext
) -> str:
    """The page of one ticker as HTML.

    Args:
        results: Each horizon's, as trained and as answered (they differ where a model is pinned);
            the shortest horizon first.
        context: Of the run.
    """
    artifact = results[0][0].artifact
    data = report_data(
        [
            (trained.walk_forward, _status(trained, answered, context))
            for trained, answered in results
        ],
        artifact.ticker,
        data_hash=artifact.data_hash,
        run_id=context.run_id,
        time=context.now,
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
            quantiles=answered.distribution.quantiles,
        ),
        verdict=trained.decision.verdict,
        contributions=contributions(trained.artifact.model, trained.inputs),
        pinned=(answered.pin.version_tag or "") if answered.pin else "",
    )
