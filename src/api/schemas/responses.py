"""Answers as pydantic models, from which the OpenAPI document is made."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from pydantic import BaseModel, Field

from src.api.schemas.requests import Horizon

RETURN = "simple return over the horizon, .01 = one percent"
PRICE = "in the currency of the ticker, on the basis of last_close"


class PredictionInterval(BaseModel):
    """A central interval that should contain the share ``level`` of the outcomes."""

    level: float = Field(description="share of outcomes that it should contain", examples=[0.8])
    low_return: float = Field(description=RETURN, examples=[-0.0171])
    high_return: float = Field(description=RETURN, examples=[0.0174])
    low_close: float = Field(description=PRICE, examples=[2948.7])
    high_close: float = Field(description=PRICE, examples=[3052.2])


class BaselineForecast(BaseModel):
    """The forecast that the model had to beat."""

    name: str = Field(examples=["zero"])
    pred_return: float = Field(description=RETURN, examples=[0.0])


class SkillScores(BaseModel):
    """Scores of the served model in a walk-forward over past sessions."""

    mae_vs_zero: float | None = Field(
        description="1 - MAE / MAE of zero; above 0 is better than zero; null where unknown"
    )
    n: int = Field(description="scored forecasts", ge=0)
    n_eff: float = Field(description="effective number of independent forecasts", ge=0)


class PoolScores(SkillScores):
    """The same over all tickers of the pool."""

    tickers: int = Field(ge=1)


class ForecastSkill(SkillScores):
    """Scores of the served model on this ticker, and on its pool."""

    pool: PoolScores


class ScoredTickers(SkillScores):
    """The same over those tickers of the pool of which it has scored forecasts."""

    tickers: int = Field(ge=0)


class CandidateModel(BaseModel):
    """The best trained model and its forecast, whether or not it is served."""

    name: str
    pred_return: float = Field(description=RETURN)
    est_future_close: float = Field(description=PRICE)
    skill_vs_zero: float | None
    n: int
    n_eff: float
    pool: ScoredTickers
    promoted: bool = Field(description="whether it is served")


class PinnedVersion(BaseModel):
    """The version that a rollback restored and pinned."""

    version_tag: str | None
    since: dt.datetime


class ServedModel(BaseModel):
    """The model that made the forecast."""

    name: str = Field(examples=["zero"])
    pool: str = Field(description="whose model it is", examples=["NSE"])
    version: str = Field(description="SHA-256 of the model's manifest")
    trained_at: str = Field(description="when it was fitted; UTC, ISO 8601")
    fitted_through: dt.date | None = Field(
        description="last session whose outcome the fit knew; null where nothing is fitted"
    )
    judged_through: dt.date | None = Field(
        description="last complete session of the pool at which the test was made"
    )
    verdict: str = Field(description="of the newest training where the model is pinned")
    served_since: str | None = Field(description="session at whose close it won, or null")
    pinned: PinnedVersion | None = Field(description="null where training may replace the model")
    code_version: str
    features_version: str


class ForecastResponse(BaseModel):
    """A forecast of one ticker at one horizon."""

    ticker: str = Field(examples=["TCS.NS"])
    horizon: str = Field(description="sessions ahead", examples=["1-day", "63-day"])
    feature_date: dt.date = Field(description="session of the newest close")
    predict_date: dt.date = Field(description="session for which it is made")
    predict_date_estimated: bool = Field(
        description="whether it lies beyond the last year whose holidays are announced"
    )
    last_close: float = Field(description="split-adjusted close of feature_date", gt=0)
    pred_return: float = Field(description=RETURN, ge=-1)
    pct_return: float = Field(description="pred_return in percent")
    est_future_close: float = Field(description=PRICE, ge=0)
    prob_up: float | None = Field(description="probability of a return above 0", ge=0, le=1)
    intervals: list[PredictionInterval] = Field(description="empty where there is too little data")
    baseline: BaselineForecast
    verdict: Literal["better", "worse", "undecided", "none"] = Field(
        description="of the test of the candidate against the baseline"
    )
    reason: str = Field(description="of the verdict")
    skill: ForecastSkill
    candidate: CandidateModel | None
    model: ServedModel
    note: str | None
    data_source: str = Field(description="vendor of the prices", examples=["yahoo"])
    return_basis: str = Field(description="what the returns include", examples=["total"])
    data_hash: str = Field(description="of the prices from which the forecast was made")
    computed_at: dt.datetime = Field(description="when a run stored what it is made from")
    arm: Literal["served", "challenger"] = Field(
        default="served",
        description="challenger where that of a trial answers this client; left out otherwise",
    )
    trial: str | None = Field(default=None, description="hash of that trial; only beside arm")
    data_age_sessions: int = Field(description="sessions closed since feature_date", ge=0)
    warnings: list[str]


class BatchError(BaseModel):
    """Why one of the forecasts is missing."""

    ticker: str
    horizon: Horizon
    status: int = Field(description="status of the same single request")
    detail: str


class BatchResponse(BaseModel):
    """Forecasts in the order of the request, and why others are missing."""

    forecasts: list[ForecastResponse]
    errors: list[BatchError]


class HealthPart(BaseModel):
    """The state of one part of the service."""

    name: str
    ok: bool
    detail: str = Field(description="one sentence")
    required: bool = Field(description="whether the service is not ready without it")


class HealthResponse(BaseModel):
    """Whether the service is ready, and its parts."""

    status: Literal["ready", "degraded", "not ready"]
    parts: list[HealthPart]


class AuditEvent(BaseModel):
    """An event of a model's life, such as a promotion."""

    event_id: int
    kind: str
    pool: str = Field(description="empty for events from before pools had models")
    ticker: str = Field(description="of such events; else empty")
    horizon: str
    digest: str
    made_live: bool
    served: str
    verdict: str
    reason: str
    by_whom: str
    at: dt.datetime
    version_tag: str | None
    evidence: dict[str, Any]


class LiveModel(BaseModel):
    """The model that makes the forecasts of a pool at a horizon."""

    pool: str = Field(description="empty for models from before pools had some")
    ticker: str = Field(description="of such models; else empty")
    horizon: str
    digest: str
    served: str
    verdict: str
    reason: str
    since: dt.datetime
    pinned: bool
    version_tag: str | None
    why: str = Field(description="the same in one sentence")


class ModelsResponse(BaseModel):
    """The models that were live at a time, and the newest events until then."""

    at: dt.datetime | None = Field(description="null for now")
    live: list[LiveModel]
    events: list[AuditEvent] = Field(description="oldest first")


class ModelScore(BaseModel):
    """The live forecasts of one model against their outcomes."""

    kind: Literal["served", "shadow"] = Field(description="served in answers, or only logged")
    horizon: Horizon
    ticker: str = Field(description="empty for all real tickers together")
    model: str
    tickers: int
    versions: int = Field(description="trained versions of that model")
    first: dt.date = Field(description="first feature date")
    last: dt.date
    n: int = Field(description="forecasts with an outcome")
    n_eff: float = Field(description="effective number of independent forecasts")
    mae: float = Field(description="mean absolute error, as a return")
    mae_zero: float = Field(description="that of zero on the same forecasts")
    skill: float | None = Field(description="1 - mae / mae_zero; null where zero never erred")
    coverage: dict[str, float] = Field(description="share of outcomes inside, by level")
    coverage_n: int
    direction: float | None = Field(description="share of right signs")
    base_rate: float | None = Field(description="share of the more common sign")


class ScoreboardResponse(BaseModel):
    """Logged forecasts against their outcomes."""

    logged: int = Field(description="logged forecasts, with an outcome or without")
    rows: list[ModelScore] = Field(description="empty until the first outcome")


class Problem(BaseModel):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str = Field(description="one sentence: what is wrong and what to do")
    request_id: str
