"""Events in; what was live and what was pinned at a time, and why, out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from src.core.model_events import ModelEvent


@dataclass(frozen=True)
class Standing:
    """One ticker and horizon at one time.

    Attributes:
        live: The event that made its set the one that answers.
        pinned: The event that pinned that set, or None where training may replace it.
    """

    live: ModelEvent
    pinned: ModelEvent | None


def standings(
    events: Iterable[ModelEvent], at: dt.datetime | None = None
) -> dict[tuple[str, str], Standing]:
    """What stood at ``at`` (now: None), by ticker and horizon; only what had gone live.

    Events count in the order of writing. A pin ends with ``unpinned``, with a promotion, or with
    another set that goes live.
    """
    live: dict[tuple[str, str], ModelEvent] = {}
    pins: dict[tuple[str, str], ModelEvent | None] = {}
    for one in sorted(events, key=lambda event: event.event_id):
        if at is not None and one.at > at:
            continue
        if one.made_live:
            live[one.pair] = one
        if one.kind == "pinned":
            pins[one.pair] = one
        elif one.kind == "unpinned" or (one.kind == "promoted" and one.made_live):
            pins[one.pair] = None
    return {pair: Standing(one, _of(pins.get(pair), one)) for pair, one in live.items()}


def live_at(
    events: Iterable[ModelEvent], ticker: str, horizon: str, at: dt.datetime
) -> Standing | None:
    """What was live for one ticker and horizon, and why; None before its first model."""
    return standings(events, at).get((ticker, horizon))


def explained(standing: Standing) -> str:
    """A standing as one sentence."""
    one = standing.live
    said = (
        f"{one.ticker} {one.horizon}: {one.served or 'unknown'} from set {one.digest[:12]}, live "
        f"since {_time(one.at)}, {one.kind.replace('_', ' ')} by {one.by_whom}"
    )
    said += f" ({one.reason})" if one.reason else ""
    if standing.pinned is None:
        return f"{said}."
    tag = f" with version {standing.pinned.version_tag}" if standing.pinned.version_tag else ""
    return f"{said}; pinned{tag} since {_time(standing.pinned.at)}."


def line(event: ModelEvent) -> str:
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


def _of(pin: ModelEvent | None, live: ModelEvent) -> ModelEvent | None:
    return pin if pin is not None and pin.digest == live.digest else None


def _time(at: dt.datetime) -> str:
    return f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
