"""What can happen to a model of one ticker and horizon: one event, written once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Ticker and horizon.
Pair = tuple[str, str]

KINDS = (
    "trained",
    "promoted",
    "rejected",
    "undecided",
    "demoted",
    "versioned",
    "rolled_back",
    "pinned",
    "unpinned",
)


@dataclass(frozen=True)
class ModelEvent:
    """A row of ``model_events``.

    Attributes:
        kind: One of ``KINDS``.
        digest: SHA-256 of the manifest of the set that it is about.
        by_whom: The run or the person behind it.
        at: An aware time.
        made_live: From this event on, that set is the one that answers.
        served: Name of the model in that set that answers, such as ``zero``.
        reason: Why, in words that a person can follow.
        event_id: Rising in the order of writing; 0 until stored.

    Raises:
        ValueError: For an unknown kind, or a time without its zone.
    """

    kind: str
    ticker: str
    horizon: str
    digest: str
    by_whom: str
    at: dt.datetime
    made_live: bool = False
    served: str = ""
    verdict: str = "none"
    reason: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    version_tag: str | None = None
    event_id: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind!r} is nothing that can happen to a model")
        if self.at.tzinfo is None:
            raise ValueError(f"{self.at} has no time zone")

    @property
    def pair(self) -> Pair:
        """Ticker and horizon."""
        return self.ticker, self.horizon
