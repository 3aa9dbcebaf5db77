"""Decide which events follow from a new artifact, from a rollback and from `unpin`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from src.core.model_events import BASELINE, ModelEvent, is_of_trial

if TYPE_CHECKING:
    from src.registry.lifecycle.state import LiveState
    from src.registry.storage.artifact import Artifact


@dataclass(frozen=True)
class Author:
    """Who changes what is live, and when (an aware time)."""

    by_whom: str
    at: dt.datetime


def after_training(
    artifact: Artifact, before: LiveState | None, newest: ModelEvent | None, author: Author
) -> list[ModelEvent]:
    """Events of a new stored set: trained, the gate's verdict, and which model was demoted.

    It goes live unless the set before is pinned; a pin gives way to a win of the gate that was
    decided at a later session. There are none where the set is live already, unless the
    ``newest`` training found another one.
    """
    if before is not None and before.live.digest == artifact.digest:
        if newest is None or newest.digest == artifact.digest:
            return []
        return [_event("trained", artifact, author, evidence=_evidence(artifact))]
    pin = before.pinned if before else None
    live = pin is None or replaces_pinned(pin, artifact)
    kind = _verdict_kind(artifact, before, live=live)
    reason = artifact.reason if live else _pinned_reason(artifact.reason)
    trained = _event(
        "trained",
        artifact,
        author,
        made_live=live and kind is None,
        reason=reason,
        evidence=_evidence(artifact),
    )
    verdict = [_event(kind, artifact, author, made_live=live, reason=reason)] if kind else []
    return [trained, *verdict, *(_demoted(before, artifact, author) if live else [])]


def replaces_pinned(pin: ModelEvent, artifact: Artifact) -> bool:
    """Whether the gate promoted it at a session later than the pin's day.

    Never in the place of a trial's challenger: training compares with it only where it is a
    candidate of training, with its settings.
    """
    if is_of_trial(pin.version_tag):
        return False
    won = artifact.served != BASELINE and artifact.verdict == "better"
    return won and artifact.since > f"{pin.at:%Y-%m-%d}"


def after_rollback(
    artifact: Artifact, before: LiveState | None, author: Author, tag: str
) -> list[ModelEvent]:
    """Events of a set restored from a version; none where it is live and pinned already."""
    reason = f"rollback to version {tag}"
    events = []
    if before is None or before.live.digest != artifact.digest:
        restored = _event(
            "rolled_back", artifact, author, made_live=True, reason=reason, version_tag=tag
        )
        events.append(restored)
    if events or before is None or before.pinned is None:
        events.append(_event("pinned", artifact, author, reason=reason, version_tag=tag))
    return events


def after_trial(
    artifact: Artifact, before: LiveState | None, author: Author, tag: str, reason: str
) -> list[ModelEvent]:
    """Events of a challenger that a trial made live: promoted, who was demoted, and pinned."""
    why = f"{artifact.reason}; {reason}"
    evidence = _evidence(artifact)
    promoted = _event(
        "promoted",
        artifact,
        author,
        made_live=True,
        reason=why,
        version_tag=tag,
        evidence=evidence,
    )
    pinned = _event("pinned", artifact, author, reason=why, version_tag=tag)
    return [promoted, *_demoted(before, artifact, author), pinned]


def after_unpin(states: Iterable[LiveState], author: Author) -> list[ModelEvent]:
    """Events that end the pins there are; what is live stays until training replaces it."""
    return [
        ModelEvent(
            "unpinned",
            *pin.pair,
            pin.digest,
            author.by_whom,
            author.at,
            served=pin.served,
            verdict=pin.verdict,
            reason="training may replace it again",
            version_tag=pin.version_tag,
        )
        for pin in (state.pinned for state in states)
        if pin is not None
    ]


def versioned(artifact: Artifact, author: Author, tag: str, manifest: str) -> ModelEvent:
    """The event of a set that is kept in a version; ``manifest`` is the version's digest."""
    evidence = {"version_manifest": manifest}
    return _event("versioned", artifact, author, reason="", version_tag=tag, evidence=evidence)


def _verdict_kind(artifact: Artifact, before: LiveState | None, *, live: bool) -> str | None:
    """The kind of event that the verdict makes; None where the champion has won again."""
    is_champion = before and before.pinned is None and before.live.served == artifact.served
    if live and artifact.served != BASELINE and not is_champion:
        return "promoted"
    return {"worse": "rejected", "better": None}.get(artifact.verdict, "undecided")


def _pinned_reason(reason: str) -> str:
    why = "the live model is pinned"
    return f"{reason}; {why}" if reason else why


def _demoted(before: LiveState | None, artifact: Artifact, author: Author) -> list[ModelEvent]:
    if before is None or before.live.served in ("", BASELINE, artifact.served):
        return []
    champion = before.live
    event = ModelEvent(
        "demoted",
        *champion.pair,
        champion.digest,
        author.by_whom,
        author.at,
        served=champion.served,
        verdict=artifact.verdict,
        reason=f"{artifact.served} is served instead",
    )
    return [event]


def _evidence(artifact: Artifact) -> dict[str, Any]:
    return {
        "candidate": artifact.candidate,
        "trials": artifact.trials,
        "verdict": [dict(row) for row in artifact.evidence],
        "judged": dict(artifact.judged),
        "metrics": [dict(row) for row in artifact.metrics],
        "tickers": artifact.tickers,
        "session": artifact.session,
        "data_hash": artifact.data_hash,
        "config_hash": artifact.config_hash,
        "code_version": artifact.code_version,
        "features_version": artifact.features_version,
        "trained_at": artifact.trained_at,
        "fitted_through": artifact.fitted_through,
        "since": artifact.since,
    }


def _event(kind: str, artifact: Artifact, author: Author, **fields: Any) -> ModelEvent:
    common = {"served": artifact.served, "verdict": artifact.verdict, "reason": artifact.reason}
    return ModelEvent(
        kind,
        *artifact.pair,
        artifact.digest,
        author.by_whom,
        author.at,
        **{**common, **fields},
    )
