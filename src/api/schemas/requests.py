"""Bodies and parameters of requests, as pydantic models; they stand in the OpenAPI document."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from src.core.tickers import MAX_TEXT_LENGTH

Horizon = Literal["short", "long"]
MAX_TICKERS = 2_000
MAX_FIELDS = 100
# RFC 3339, of 1990 to 2099: the database is not asked about times that it cannot store.
TIMESTAMP = (
    "^(199[0-9]|20[0-9]{2})-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-5][0-9]:[0-5][0-9]"
    r"(\.[0-9]{1,6})?([Zz]|[+-][0-9]{2}:[0-5][0-9])$"
)

# Any text is accepted here, so that one malformed ticker does not cost the answers to all others.
TickerText = Annotated[
    str,
    Field(
        max_length=MAX_TEXT_LENGTH,
        description="As in ?ticker=; a malformed one has its error beside the other forecasts.",
    ),
]


def _check_timestamp(text: str) -> str:
    if not re.fullmatch(TIMESTAMP, text):
        raise PydanticCustomError(
            "timestamp",
            "use a time from 1990 to 2099 with its time zone, such as 2026-04-13T12:30:00Z",
        )
    return text


Timestamp = Annotated[
    AwareDatetime,
    BeforeValidator(_check_timestamp),
    Field(json_schema_extra={"pattern": TIMESTAMP}),
]


class Body(BaseModel):
    """A body that may have its own fields alone."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _limit_fields(cls, body: object) -> object:
        # Each unknown field is an error of its own, and thousands take longer than the answer.
        if isinstance(body, dict) and len(body) > MAX_FIELDS:
            raise PydanticCustomError("fields", "too many fields")
        return body


class BatchRequest(Body):
    """The tickers and horizons to forecast."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"tickers": ["TCS.NS", "INFY.NS"]}]})

    tickers: Annotated[list[TickerText], Field(min_length=1, max_length=MAX_TICKERS)]
    horizons: Annotated[list[Horizon], Field(min_length=1, max_length=2)] = ["short", "long"]
