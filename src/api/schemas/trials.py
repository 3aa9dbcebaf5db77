"""Bodies and answers of the routes below /trials; they stand in the OpenAPI document."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from src.api.schemas.requests import Body, Horizon
from src.core.tickers import MAX_TEXT_LENGTH
from src.core.trials import (
    LENGTHS,
    LINE,
    LOOKS_EVERY,
    MAX_TEXT,
    SMALLEST_EFFECTS,
    USUAL_EFFECTS,
)

EXAMPLE: JsonDict = {
    "pool": "NSE",
    "horizon": "short",
    "challenger": "ridge",
    "author": "A. Rao",
    "reason": "is a simpler model as good?",
}
POOL_NAME = "^[A-Za-z0-9^&=._-]*$"
Reference = Literal["live", "zero"]
Loss = Literal["absolute", "squared"]
Line = Annotated[str, Field(min_length=1, max_length=MAX_TEXT, pattern=f"^{LINE.pattern}$")]
Setting = Annotated[int, Field(ge=0, le=10_000)]


class TrialSettings(Body):
    """Training settings that a challenger is fitted with instead of the installation's."""

    refit_every: Setting | None = None
    embargo: Setting | None = None
    min_train_rows: Setting | None = None


class TrialRequest(Body):
    """A challenger, and what it is compared with; it is promoted by a person alone."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    pool: Annotated[str, Field(min_length=1, max_length=32, pattern=POOL_NAME)]
    horizon: Horizon
    challenger: Annotated[
        str,
        Field(
            max_length=64,
            pattern="^[a-z0-9_]+$",
            description="a candidate, or the digest of a stored model set",
        ),
    ]
    settings: TrialSettings = TrialSettings()
    reference: Reference = "live"
    tickers: Annotated[
        list[Annotated[str, Field(max_length=MAX_TEXT_LENGTH)]], Field(max_length=2_000)
    ] = Field([], description="empty for the whole pool")
    loss: Loss = "absolute"
    smallest_effect: (
        Annotated[float, Field(ge=SMALLEST_EFFECTS[0], le=SMALLEST_EFFECTS[1])] | None
    ) = Field(
        None,
        description="the smallest relative gain in the mean loss that matters; by default "
        + ", ".join(f"{effect:g} at {horizon}" for horizon, effect in USUAL_EFFECTS.items()),
    )
    look_every: Annotated[int, Field(ge=LOOKS_EVERY[0], le=LOOKS_EVERY[1])] = 5
    max_sessions: Annotated[int, Field(ge=LENGTHS[0], le=LENGTHS[1])] = 1260
    author: Line
    reason: Line


class StopRequest(Body):
    """Who ends a trial, and why."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"author": "A. Rao", "reason": "the idea was wrong"}]}
    )

    author: Line
    reason: Line


class SplitRequest(Body):
    """The share of clients that a trial's challenger answers; who decides so, and why."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"share": 0.1, "author": "A. Rao", "reason": "how do users take it?"}]
        }
    )

    share: Annotated[float, Field(ge=0, le=1, description="0 switches the split off")]
    author: Line
    reason: Line


class TrialResponse(BaseModel):
    """A trial as it was registered, and how it stands."""

    hash: str = Field(description="SHA-256 of what was registered", pattern="^[0-9a-f]{64}$")
    pool: str
    horizon: Horizon
    sessions: int = Field(description="how far ahead")
    challenger: str
    settings: dict[str, int]
    reference: Reference
    tickers: list[str] = Field(description="empty for the whole pool")
    loss: Loss
    smallest_effect: float
    look_every: int
    max_sessions: int
    promotes: bool = Field(description="whether it goes live by itself when it is better")
    author: str
    reason: str
    registered_at: dt.datetime
    configurations: int = Field(description="tried there in three years, this one included")
    state: Literal["running", "better", "equivalent", "worse", "ran_out", "stopped", "promoted"]
    verdict: str = Field(description="of the newest look")
    looks: int
    sessions_with_outcomes: int
    sentence: str
    sessions_needed: int | None = Field(description="about so many more; null where unknown")
    failures: int = Field(description="forecasts of the challenger that failed")
    ended_at: dt.datetime | None


class TrialsResponse(BaseModel):
    """Trials in the order of registration."""

    trials: list[TrialResponse]


class TrialEventResponse(BaseModel):
    """A look, an ending, or what else happened to a trial."""

    event_id: int
    at: dt.datetime
    kind: str
    session: dt.date | None
    author: str
    reason: str
    evidence: dict[str, Any]


class TrialDetailResponse(TrialResponse):
    """The same with what happened."""

    events: list[TrialEventResponse] = Field(description="oldest first")
