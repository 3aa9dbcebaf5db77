"""Derive from the events of the audit what is live and what is pinned, now or at a time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from src.core.model_events import ModelEvent, Pair


@dataclass(frozen=True)
class LiveState:
    """Which set of one ticker and horizon is live at one time.

    Attributes:
        live: The event that made the set live.
        pinned: The event that pinned that set, or None where training may replace it.
    """

    live: ModelEvent
    pinned: ModelEvent | None


def live_states(
    events: Iterable[ModelEvent], at: dt.datetime | None = None
) -> dict[Pair, LiveState]:
    """What is live at ``at`` (now: None), by ticker and horizon, where anything is.

    Events count in the order of writing. A pin ends with ``unpinned``, with a promotion, or with
    another set that goes live.
    """
    live: dict[Pair, ModelEvent] = {}
    pins: dict[Pair, ModelEvent | None] = {}
    for event in sorted(events, key=lambda event: event.event_id):
        if at is not None and event.at > at:
            continue
        if event.made_live:
            live[event.pair] = event
        if event.kind == "pinned":
            pins[event.pair] = event
        elif event.kind == "unpinned" or (event.kind == "promoted" and event.made_live):
            pins[event.pair] = None
    return {pair: LiveState(event, _pin_of(event, pins.get(pair))) for pair, event in live.items()}


def describe(state: LiveState) -> str:
    """What is live since when and why, as one sentence."""
    event = state.live
    sentence = (
        f"{event.ticker} {event.horizon}: {event.served or 'unknown'} from set "
        f"{event.digest[:12]}, live since {_time(event.at)}, {event.kind.replace('_', ' ')} by "
        f"{event.by_whom}"
    )
    sentence += f" ({event.reason})" if event.reason else ""
    if state.pinned is None:
        return f"{sentence}."
    tag = f" with version {state.pinned.version_tag}" if state.pinned.version_tag else ""
    return f"{sentence}; pinned{tag} since {_time(state.pinned.at)}."


def format_event(event: ModelEvent) -> str:
    """An event as one line of a log."""
    parts = (
        _time(event.at),
        f"{event.ticker} {event.horizon}",
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
