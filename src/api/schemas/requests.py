"""What may be asked, described: requests are held to it."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from src.core.tickers import LONGEST_TEXT

Horizon = Literal["short", "long"]
MOST_TICKERS = 2_000
MOST_FIELDS = 100
# RFC 3339, of 1990 to 2099: no database is asked about times that it cannot hold.
MOMENT = (
    "^(199[0-9]|20[0-9]{2})-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-5][0-9]:[0-5][0-9]"
    r"(\.[0-9]{1,6})?([Zz]|[+-][0-9]{2}:[0-5][0-9])$"
)

# One that is no ticker must not cost the answers to all others.
TickerText = Annotated[
    str,
    Field(
        max_length=LONGEST_TEXT,
        description="As in ?ticker=; what is none has its error beside the forecasts of the rest.",
    ),
]


def _moment(written: str) -> str:
    if not re.fullmatch(MOMENT, written):
        said = "give a time from 1990 to 2099 with its zone, such as 2026-04-13T12:30:00Z"
        raise PydanticCustomError("moment", said)
    return written


Moment = Annotated[
    AwareDatetime, BeforeValidator(_moment), Field(json_schema_extra={"pattern": MOMENT})
]


class BatchRequest(BaseModel):
    """Which forecasts are wanted."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"tickers": ["TCS.NS", "INFY.NS"]}]}
    )

    tickers: Annotated[list[TickerText], Field(min_length=1, max_length=MOST_TICKERS)]
    horizons: Annotated[list[Horizon], Field(min_length=1, max_length=2)] = ["short", "long"]

    @model_validator(mode="before")
    @classmethod
    def _few_fields(cls, asked: object) -> object:
        # Each unknown field is an error of its own, and thousands take longer than forecasts.
        if isinstance(asked, dict) and len(asked) > MOST_FIELDS:
            raise PydanticCustomError("fields", "give tickers and horizons, and nothing else")
        return asked
