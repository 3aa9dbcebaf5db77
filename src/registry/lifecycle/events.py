"""What follows for a ticker and horizon from a new artefact, from a rollback and from `unpin`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from src.core.model_events import ModelEvent

if TYPE_CHECKING:
    from src.registry.lifecycle.state import Standing
    from src.registry.storage.artifact_store import Artefact

BASELINE = "zero"


@dataclass(frozen=True)
class Author:
    """Who does something, and when (aware)."""

    by_whom: str
    at: dt.datetime


def after_training(artefact: Artefact, before: Standing | None, author: Author) -> list[ModelEvent]:
    """Events of a new stored set: trained, what the gate changed, and who lost its place.

    It goes live unless the one before is pinned; a pin gives way to a win of the gate that was
    decided at a later session. Nothing has happened when it is live already.
    """
    if before is not None and before.live.digest == artefact.digest:
        return []
    pin = before.pinned if before else None
    live = pin is None or _won_after(pin, artefact)
    kind = _judged(artefact, before, live=live)
    reason = artefact.reason if live else _held_back(artefact.reason)
    trained = _event(
        "trained",
        artefact,
        author,
        made_live=live and kind is None,
        reason=reason,
        evidence=_evidence(artefact),
    )
    judged = [_event(kind, artefact, author, made_live=live, reason=reason)] if kind else []
    return [trained, *judged, *(_demoted(before, artefact, author) if live else [])]


def after_rollback(
    artefact: Artefact, before: Standing | None, author: Author, tag: str
) -> list[ModelEvent]:
    """Events of a set restored from a version; none where it is live and pinned already."""
    reason = f"rollback to version {tag}"
    events = []
    if before is None or before.live.digest != artefact.digest:
        restored = _event(
            "rolled_back", artefact, author, made_live=True, reason=reason, version_tag=tag
        )
        events.append(restored)
    if events or before is None or before.pinned is None:
        events.append(_event("pinned", artefact, author, reason=reason, version_tag=tag))
    return events


def after_unpin(standings: Iterable[Standing], author: Author) -> list[ModelEvent]:
    """Events that end the pins there are; what is live stays until training replaces it."""
    return [
        ModelEvent(
            "unpinned",
            one.pinned.ticker,
            one.pinned.horizon,
            one.pinned.digest,
            author.by_whom,
            author.at,
            served=one.pinned.served,
            verdict=one.pinned.verdict,
            reason="training may replace it again",
            version_tag=one.pinned.version_tag,
        )
        for one in standings
        if one.pinned is not None
    ]


def versioned(artefact: Artefact, author: Author, tag: str, manifest: str) -> ModelEvent:
    """The event of a set put into a version whose own manifest has that digest."""
    evidence = {"version_manifest": manifest}
    return _event("versioned", artefact, author, reason="", version_tag=tag, evidence=evidence)


def _won_after(pin: ModelEvent, artefact: Artefact) -> bool:
    """Whether the gate spoke for it at a session later than the pin: the day itself is not."""
    won = artefact.served != BASELINE and artefact.verdict == "better"
    return won and artefact.since > f"{pin.at:%Y-%m-%d}"


def _judged(artefact: Artefact, before: Standing | None, *, live: bool) -> str | None:
    """The kind of event that the verdict makes; None where what won already has won again."""
    standing = before and before.pinned is None and before.live.served == artefact.served
    if live and artefact.served != BASELINE and not standing:
        return "promoted"
    return {"worse": "rejected", "better": None}.get(artefact.verdict, "undecided")


def _held_back(reason: str) -> str:
    why = "the live model is pinned"
    return f"{reason}; {why}" if reason else why


def _demoted(before: Standing | None, artefact: Artefact, author: Author) -> list[ModelEvent]:
    if before is None or before.live.served in ("", BASELINE, artefact.served):
        return []
    lost = before.live
    event = ModelEvent(
        "demoted",
        lost.ticker,
        lost.horizon,
        lost.digest,
        author.by_whom,
        author.at,
        served=lost.served,
        verdict=artefact.verdict,
        reason=f"{artefact.served} is served instead",
    )
    return [event]


def _evidence(artefact: Artefact) -> dict[str, Any]:
    return {
        "candidate": artefact.candidate,
        "trials": artefact.trials,
        "verdict": [dict(row) for row in artefact.evidence],
        "metrics": [dict(row) for row in artefact.metrics],
        "pool": dict(artefact.pool),
        "data_hash": artefact.data_hash,
        "config_hash": artefact.config_hash,
        "code_version": artefact.code_version,
        "features_version": artefact.features_version,
        "trained_at": artefact.trained_at,
        "since": artefact.since,
    }


def _event(kind: str, artefact: Artefact, author: Author, **told: Any) -> ModelEvent:
    about = {"served": artefact.served, "verdict": artefact.verdict, "reason": artefact.reason}
    return ModelEvent(
        kind,
        artefact.ticker,
        artefact.horizon,
        artefact.digest,
        author.by_whom,
        author.at,
        **{**about, **told},
    )
