"""Observe whether messages get through each channel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from src.core.messages import ChannelRecord
from src.monitoring.observation import Observation

# One that did not take a message the first time is often only slow.
TOLERATED_FAILURES = 2


def channel_observations(
    configured: Sequence[str], records: Iterable[ChannelRecord]
) -> list[Observation]:
    """Whether each channel that was tried delivers.

    Args:
        configured: Names of the configured channels.
        records: How channels did in the last days.
    """
    return [_observation(record, record.channel in configured) for record in records]


def _observation(record: ChannelRecord, is_configured: bool) -> Observation:
    name, failures = record.channel, record.failures
    bad: bool | None = False
    sentence = f"The channel {name} takes messages."
    if not is_configured:
        sentence = f"The channel {name} is no longer configured."
    elif failures > TOLERATED_FAILURES:
        bad = True
        sentence = (
            f"The last {failures} tries to send through {name} failed ({record.reason}); "
            f"messages that wait: {record.waiting}."
        )
    elif failures:
        bad = None  # too few to tell
        sentence = f"{failures} tries to send through {name} failed."
    return Observation("channel_failing", name, bad, sentence, float(failures))
