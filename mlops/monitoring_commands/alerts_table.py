"""Write the alerts, silences and channels that are known as a page for the terminal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from src.core.alerts import SEVERITIES, Acknowledgement, Alert, AlertGroup, Key, Silence, States
from src.core.messages import ChannelRecord
from src.stages.tables import aligned

HEADINGS = ("alert", "severity", "rule", "of", "since", "state")


def alerts_text(
    states: States,
    silences: Sequence[Silence],
    acknowledged: Mapping[str, Acknowledgement],
    channels: Sequence[ChannelRecord],
    taken: Mapping[str, dt.datetime] | None,
    now: dt.datetime,
    everything: bool,
) -> str:
    """The page.

    Args:
        states: What is known.
        silences: Those that are not over.
        acknowledged: By fingerprint.
        channels: How they did in the last days.
        taken: When the newest message was written that a channel took, by fingerprint; None where
            that is not known.
        now: The time of the page.
        everything: Whether pending and resolved alerts are shown too.
    """
    groups = sorted(states.groups.values(), key=_worst_first)
    rows, sentences = [], []
    for group in groups:
        live = [a for a in states.alerts.values() if a.is_live and _is_of(a, group)]
        rows.append(_group_row(group, live, silences, acknowledged, taken, now))
        sentences.append(min(live, key=lambda alert: alert.subject).sentence)
    if everything:
        for alert in sorted(states.alerts.values(), key=lambda alert: alert.updated_at):
            if not alert.is_live:
                rows.append(_alert_row(alert))
                sentences.append(alert.sentence)
    lines = _with_sentences(rows, sentences) if rows else ["No alert is firing."]
    lines += [_silence_line(silence) for silence in silences]
    lines += [_channel_line(channel) for channel in channels if channel.waiting]
    return "\n".join(lines)


def _worst_first(group: AlertGroup) -> tuple[int, dt.datetime, Key]:
    return -SEVERITIES.index(group.severity), group.since, group.key


def _is_of(alert: Alert, group: AlertGroup) -> bool:
    return (alert.rule, alert.group) == group.key


def _group_row(
    group: AlertGroup,
    live: Sequence[Alert],
    silences: Sequence[Silence],
    acknowledged: Mapping[str, Acknowledgement],
    taken: Mapping[str, dt.datetime] | None,
    now: dt.datetime,
) -> list[str]:
    count = f" ({len(live)} subjects)" if len(live) > 1 else ""
    state = "unknown" if all(alert.state == "unknown" for alert in live) else "firing"
    owner = acknowledged.get(group.fingerprint)
    hidden = sum(any(silence.hides(alert, now) for silence in silences) for alert in live)
    facts = [
        state,
        f"taken by {owner.person}" if owner and owner.at >= group.since else _told(group, taken),
        *([f"{hidden} silenced"] if hidden else []),
    ]
    name = f"{group.name}{count}".strip() or "-"
    since = _time(group.since)
    return [group.fingerprint, group.severity, group.rule, name, since, ", ".join(facts)]


def _told(group: AlertGroup, taken: Mapping[str, dt.datetime] | None) -> str:
    if group.told_at is None:
        return "not told"
    if taken is None:
        return f"message of {_time(group.told_at)}"
    at = taken.get(group.fingerprint)
    return f"told {_time(at)}" if at and at >= group.since else "nobody was told"


def _alert_row(alert: Alert) -> list[str]:
    at = alert.resolved_at
    state = f"resolved {_time(at)}" if at else alert.state
    return ["-", "-", alert.rule, alert.subject or "-", _time(alert.since), state]


def _with_sentences(rows: Sequence[Sequence[str]], sentences: Sequence[str]) -> list[str]:
    head, *lines = aligned([HEADINGS, *rows], str.ljust)
    for line, sentence in zip(lines, sentences, strict=True):
        head += f"\n{line}\n    {sentence}"
    return head.splitlines()


def _silence_line(silence: Silence) -> str:
    return (
        f"Silence {silence.silence_id}: rule {silence.rule} of {silence.subject} until "
        f"{_time(silence.ends_at)}, by {silence.person}: {silence.reason}"
    )


def _channel_line(channel: ChannelRecord) -> str:
    why = f" ({channel.reason})" if channel.reason else ""
    return f"Channel {channel.channel}: messages that wait: {channel.waiting}{why}."


def _time(at: dt.datetime) -> str:
    return f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"
