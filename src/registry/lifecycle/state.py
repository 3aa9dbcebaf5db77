"""Derive from the events of the audit what is live and what is pinned, now or at a time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from src.core.model_events import BASELINE, ModelEvent, Pair, pinned_name


@dataclass(frozen=True)
class LiveState:
    """Which set of one pool and horizon is live at one time.

    Attributes:
        live: The event that made the set live.
        pinned: The event that pinned that set, or None where training may replace it.
    """

    live: ModelEvent
    pinned: ModelEvent | None


def live_states(
    events: Iterable[ModelEvent], at: dt.datetime | None = None
) -> dict[Pair, LiveState]:
    """What is live at ``at`` (now: None), by pool and horizon, where anything is.

    Events count in the order of writing. A pin ends with ``unpinned``, with a promotion, or with
    another set that goes live. Sets of single tickers, from before models belonged to pools, were
    live until ``migrated``.
    """
    live: dict[Pair, ModelEvent] = {}
    pins: dict[Pair, ModelEvent | None] = {}
    for event in sorted(events, key=lambda event: event.event_id):
        if at is not None and event.at > at:
            continue
        if event.kind == "migrated":
            live = {pair: old for pair, old in live.items() if old.pool}
        if event.made_live:
            live[event.pair] = event
        if event.kind == "pinned":
            pins[event.pair] = event
        elif event.kind == "unpinned" or (event.kind == "promoted" and event.made_live):
            pins[event.pair] = None
    return {pair: LiveState(event, _pin_of(event, pins.get(pair))) for pair, event in live.items()}


def back_to_zero(events: Sequence[ModelEvent]) -> dt.date | None:
    """The last day on which one pool and horizon went back from a promoted model to zero.

    Of a rollback that is its day; of a training or a migration the session of the decision, which
    is empty where the model could not be kept for another reason than its record.
    """
    decided = {
        event.digest: event.evidence.get("since", "")
        for event in events
        if event.kind in ("trained", "migrated")
    }
    days, promoted = [], False
    for event in events:
        if not event.made_live and event.kind != "migrated":
            continue
        before, promoted = promoted, event.served not in ("", BASELINE)
        if promoted or not (before or event.kind == "migrated"):
            continue
        # By a rollback, or by a trial of zero.
        by_person = event.kind in ("rolled_back", "promoted")
        days.append(f"{event.at:%Y-%m-%d}" if by_person else decided.get(event.digest, ""))
    return dt.date.fromisoformat(max(days)) if any(days) else None


def describe(state: LiveState) -> str:
    """What is live since when and why, as one sentence."""
    event = state.live
    sentence = (
        f"{' '.join(event.pair)}: {event.served or 'unknown'} from set "
        f"{event.digest[:12]}, live since {_time(event.at)}, {event.kind.replace('_', ' ')} by "
        f"{event.by_whom}"
    )
    sentence += f" ({event.reason})" if event.reason else ""
    if state.pinned is None:
        return f"{sentence}."
    tag = f" with {pinned_name(state.pinned.version_tag)}" if state.pinned.version_tag else ""
    return f"{sentence}; pinned{tag} since {_time(state.pinned.at)}."


def format_event(event: ModelEvent) -> str:
    """An event as one line of a log."""
    parts = (
        _time(event.at),
        " ".join(event.pair),
        event.kind.replace("_", " "),
        f"set {event.digest[:12]}{' (live)' if event.made_live else ''}",
        f"version {event.version_tag}" if event.version_tag else "",
        f"by {event.by_whom}",
        event.reason,
    )
    return "  ".join(part for part in parts if part)


def _pin_of(live: ModelEvent, pin: ModelEvent | None) -> ModelEvent | None:
    return pin if pin is not None and pin.digest == live.digest else None


def _time(at: dt.datetime) -> str:
    return f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
