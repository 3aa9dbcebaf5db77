"""What a report of health consists of; as JSON it has the schema docs/health-report.schema.json."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from src.core.alerts import Severity

Status = Literal["OK", "WARNING", "CRITICAL"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class HealthAlert(_Part):
    """A rule whose condition holds, for all subjects with one cause."""

    rule: str = Field(description="Its name; also the heading of its entry in docs/runbook.md.")
    severity: Severity
    cause: str = Field(description="What its subjects have in common; empty for none.")
    subjects: list[str] = Field(description="Such as TCS.NS or NSE/short; empty for all.")
    message: str
    value: float | None = Field(description="As measured of the first subject.")
    limit: str
    meaning: str
    action: str
    runbook: str


class NotMeasured(_Part):
    """A rule that could not be measured, which is neither good nor bad."""

    rule: str
    subjects: list[str]
    message: str


class DatabaseStatus(_Part):
    """Whether the database can be used."""

    ok: bool
    message: str


class ModelStatus(_Part):
    """The live model of one pool and horizon."""

    pool: str
    horizon: str = Field(description="short or long.")
    ok: bool = Field(description="Whether no rule about models holds for it.")
    served: str | None = Field(description="The model that answers, such as zero.")
    verdict: str | None
    live_since: AwareDatetime | None
    judged_at: dt.date | None = Field(description="The session of the newest training.")
    fitted_on: dt.date | None = Field(description="The last session that its fit saw.")
    digest: str | None
    message: str


class QualityDimension(_Part):
    """One dimension of data quality."""

    name: str
    score: float | None = Field(description="0 to 100; null where nothing can be judged.")
    found: str
    remedy: str = Field(description="What would raise the score; empty where it is whole.")


class TickerQuality(_Part):
    """The score of one ticker."""

    ticker: str
    score: float


class DataQuality(_Part):
    """The quality of stored data, of all tickers or of one, when a run last scored it."""

    score: float | None = Field(description="0 to 100; null before the first run.")
    session: dt.date | None
    dimensions: list[QualityDimension]
    lowest: list[TickerQuality] = Field(description="The five tickers with the lowest scores.")


class HealthCheck(_Part):
    """How an installation does, or one ticker in it."""

    timestamp: AwareDatetime
    status: Status = Field(description="The worst severity of its alerts; INFO does not count.")
    ticker: str | None = Field(description="Whose health it is; null for everything.")
    tickers: int = Field(description="Tickers with features.")
    database: DatabaseStatus
    data_quality: DataQuality
    performance_score: float | None = Field(
        description="How well forecasts keep what they promise: 100 as promised, 50 where a "
        "warning begins; null without enough outcomes."
    )
    model_status: list[ModelStatus]
    alerts: list[HealthAlert] = Field(description="The most severe first.")
    not_measured: list[NotMeasured]
