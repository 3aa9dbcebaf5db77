"""What is answered, described: the document of the API is made of it."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from pydantic import BaseModel, Field

from src.api.schemas.requests import Horizon

RETURN = "simple return over the horizon, .01 = one percent"
PRICE = "in the currency of the ticker, on the basis of last_close"


class Interval(BaseModel):
    """A central interval that should hold ``level`` of the outcomes."""

    level: float = Field(description="share of outcomes that it should hold", examples=[0.8])
    low_return: float = Field(description=RETURN, examples=[-0.0171])
    high_return: float = Field(description=RETURN, examples=[0.0174])
    low_close: float = Field(description=PRICE, examples=[2948.7])
    high_close: float = Field(description=PRICE, examples=[3052.2])


class Baseline(BaseModel):
    """What the model had to beat."""

    name: str = Field(examples=["zero"])
    pred_return: float = Field(description=RETURN, examples=[0.0])


class Scores(BaseModel):
    """How the served model did, walked forward over past sessions."""

    mae_vs_zero: float | None = Field(
        description="1 - MAE / MAE of zero; above 0 is better than zero; null where unknown"
    )
    n: int = Field(description="forecasts that were scored", ge=0)
    n_eff: float = Field(description="independent forecasts that these are worth", ge=0)


class Pool(Scores):
    """The same over all tickers that the model was judged with."""

    tickers: int = Field(ge=1)


class Skill(Scores):
    """How the served model did on this ticker, and on its pool."""

    pool: Pool


class Candidate(BaseModel):
    """The best model that was trained, whether or not it is served."""

    name: str
    pred_return: float = Field(description=RETURN)
    est_future_close: float = Field(description=PRICE)
    skill_vs_zero: float | None
    n: int
    n_eff: float
    pool: Scores
    promoted: bool = Field(description="whether it is the one that is served")


class ServedModel(BaseModel):
    """The model that made the forecast."""

    name: str = Field(examples=["zero"])
    version: str = Field(description="SHA-256 of the set's manifest")
    trained_at: str = Field(description="UTC, ISO 8601")
    verdict: str
    served_since: str | None = Field(description="session at whose close it won, or null")
    code_version: str
    features_version: str


class Forecast(BaseModel):
    """A forecast of one ticker at one horizon."""

    ticker: str = Field(examples=["TCS.NS"])
    horizon: str = Field(description="sessions ahead", examples=["1-day", "63-day"])
    feature_date: dt.date = Field(description="session whose close is the newest known")
    predict_date: dt.date = Field(description="session that is forecast")
    predict_date_estimated: bool = Field(
        description="whether it lies beyond the last year whose holidays are announced"
    )
    last_close: float = Field(description="split-adjusted close of feature_date", gt=0)
    pred_return: float = Field(description=RETURN, ge=-1)
    pct_return: float = Field(description="pred_return in percent")
    est_future_close: float = Field(description=PRICE, ge=0)
    prob_up: float | None = Field(description="probability of a return above 0", ge=0, le=1)
    intervals: list[Interval] = Field(description="empty where too little is known")
    baseline: Baseline
    verdict: Literal["better", "worse", "undecided", "none"] = Field(
        description="of the gate, on the candidate against the baseline"
    )
    reason: str = Field(description="of the verdict")
    skill: Skill
    candidate: Candidate | None
    model: ServedModel
    note: str | None
    data_source: str = Field(description="vendor of the prices", examples=["yahoo"])
    return_basis: str = Field(description="what the returns include", examples=["total"])
    data_hash: str = Field(description="of the prices that the forecast rests on")
    data_age_sessions: int = Field(description="sessions closed since feature_date", ge=0)
    warnings: list[str]


class BatchError(BaseModel):
    """Why one of the forecasts is not there."""

    ticker: str
    horizon: Horizon
    status: int = Field(description="what the single request would have been answered with")
    detail: str


class Batch(BaseModel):
    """Forecasts in the order asked for, and why others are not there."""

    forecasts: list[Forecast]
    errors: list[BatchError]


class Part(BaseModel):
    """One thing the service needs."""

    name: str
    ok: bool
    detail: str
    required: bool


class Health(BaseModel):
    """Whether the service is ready, and its parts."""

    status: Literal["ready", "degraded", "not ready"]
    parts: list[Part]


class Event(BaseModel):
    """What happened to a model once."""

    event_id: int
    kind: str
    ticker: str
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


class Live(BaseModel):
    """The model that answers for a ticker and horizon."""

    ticker: str
    horizon: str
    digest: str
    served: str
    verdict: str
    reason: str
    since: dt.datetime
    pinned: bool
    version_tag: str | None
    why: str = Field(description="all of it as one sentence")


class Models(BaseModel):
    """What was live at a time, and the newest events until then."""

    at: dt.datetime | None = Field(description="null for now")
    live: list[Live]
    events: list[Event] = Field(description="in the order of writing")


class Score(BaseModel):
    """What the live forecasts of one model came to."""

    kind: Literal["served", "shadow"] = Field(description="whether it was answered with")
    horizon: Horizon
    ticker: str = Field(description="empty for all real tickers together")
    model: str
    tickers: int
    versions: int = Field(description="sets that forecast under that name")
    first: dt.date = Field(description="first session forecast from")
    last: dt.date
    n: int = Field(description="forecasts that have come true")
    n_eff: float = Field(description="independent forecasts that these are worth")
    mae: float = Field(description="mean absolute error, as a return")
    mae_zero: float = Field(description="that of zero on the same forecasts")
    skill: float | None = Field(description="1 - mae / mae_zero; null where zero never erred")
    coverage: dict[str, float] = Field(description="share of outcomes inside, by level")
    coverage_n: int
    direction: float | None = Field(description="share of right signs")
    base_rate: float | None = Field(description="share of the more common sign")


class Scoreboard(BaseModel):
    """What forecasts came to that were given before their outcome was known."""

    logged: int = Field(description="forecasts logged, come true or not")
    rows: list[Score] = Field(description="empty until the first has come true")


class Problem(BaseModel):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str = Field(description="one sentence: what is wrong and what to do")
    request_id: str
