"""What a training run made of one ticker in; its report as a page out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from src.modeling.serving.contributions import contributions
from src.modeling.training.report import page as report
from src.modeling.training.report.data import CurrentForecast, ServingStatus, report_data

if TYPE_CHECKING:
    from src.modeling.training.result import TrainingResult
    from src.stages.stage import RunContext


def page(made: Sequence[TrainingResult], context: RunContext) -> str:
    """The page of one ticker, the shortest horizon first."""
    first = made[0].artifact
    found = [(one.walk_forward, _current(one, context)) for one in made]
    evidence = report_data(
        found,
        first.ticker,
        data_hash=first.data_hash,
        run_id=context.run_id,
        time=context.now,
    )
    return report.page(evidence)


def _current(one: TrainingResult, context: RunContext) -> ServingStatus:
    said = one.forecast(context)
    return ServingStatus(
        served=said["model"]["name"],
        forecast=CurrentForecast(
            feature_date=dt.date.fromisoformat(said["feature_date"]),
            target_date=dt.date.fromisoformat(said["target_date"]),
            target_date_estimated=said["target_date_estimated"],
            last_close=said["last_close"],
            point=said["pred_return"],
            quantiles=one.outlook.quantiles,
        ),
        verdict=one.decision.verdict,
        contributions=contributions(one.artifact.model, one.inputs),
        pinned=_pinned(one, context),
    )


def _pinned(one: TrainingResult, context: RunContext) -> str:
    if context.models is None or one.decision.event == "promoted":
        return ""
    found = context.models.state(one.artifact.ticker, one.artifact.horizon)
    pin = found.pinned if found is not None else None
    return (pin.version_tag or "") if pin is not None else ""
