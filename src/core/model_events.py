"""The events in the life of a model of one pool and horizon; each is written once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Pair = tuple[str, str]  # ticker, or pool, and horizon

# What is served where no candidate was promoted.
BASELINE = "zero"
# A trial pins its challenger under such a tag; that of a version has no colon.
TRIAL_TAG = "trial:"

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
    "migrated",
)


@dataclass(frozen=True)
class ModelEvent:
    """A row of ``model_events``.

    Attributes:
        kind: One of ``KINDS``.
        pool: Whose model it is about; empty for events from before pools had models.
        digest: SHA-256 of the manifest of the model set.
        by_whom: The run or the person that caused it.
        at: An aware time.
        made_live: Whether the set is in use from this event on.
        served: Name of the model of the set whose forecasts are served, such as ``zero``.
        reason: Why, for a person.
        event_id: Ascending in the order of writing; 0 until stored.
        ticker: Whose model it is about, for events from before pools had models; else empty.

    Raises:
        ValueError: The kind is unknown, or the time has no zone.
    """

    kind: str
    pool: str
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
    ticker: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind!r} is not a kind of model event")
        if self.at.tzinfo is None:
            raise ValueError(f"{self.at} has no time zone")

    @property
    def pair(self) -> Pair:
        """Pool and horizon; of old events ticker and horizon."""
        return self.pool or self.ticker, self.horizon


@dataclass(frozen=True)
class Pin:
    """That a rollback pinned the live set, and what the newest training found since.

    Attributes:
        version_tag: Of the version that was restored.
        since: An aware time.
        verdict: The gate's newest; ``reason`` is its sentence.
        metrics: Rows of the newest leaderboard, over all tickers of the pool.
        tickers: How many those are.
    """

    version_tag: str | None
    since: dt.datetime
    verdict: str
    reason: str
    metrics: Sequence[Mapping[str, Any]] = ()
    tickers: int = 1


def trial_tag(trial_hash: str) -> str:
    """The tag under which a trial pins its challenger."""
    return f"{TRIAL_TAG}{trial_hash[:12]}"


def is_of_trial(version_tag: str | None) -> bool:
    """Whether a pin is of a trial's challenger, which no win over zero alone replaces."""
    return bool(version_tag) and str(version_tag).startswith(TRIAL_TAG)


def pinned_name(version_tag: str | None) -> str:
    """What a pin pinned: ``version v1``, or ``the challenger of trial 0123456789ab``."""
    if is_of_trial(version_tag):
        return f"the challenger of trial {str(version_tag).removeprefix(TRIAL_TAG)}"
    return f"version {version_tag}"


def pin_end(version_tag: str | None) -> str:
    """Until when a pin holds, as a clause."""
    if is_of_trial(version_tag):
        return "until another trial is promoted, a rollback or `unpin`"
    return "until the gate promotes another model or `unpin` is run"
