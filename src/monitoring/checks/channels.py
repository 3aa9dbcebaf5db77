"""Check whether messages get through the channels of alerts."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from src.monitoring.delivery.channels import from_settings
from src.monitoring.delivery.observe import channel_observations

if TYPE_CHECKING:
    from src.monitoring.checks.facts import Facts
    from src.monitoring.observation import Observation

RULES = ("channel_failing",)
# How far back a channel is judged by how it did.
PAST = dt.timedelta(days=7)


def check(facts: Facts) -> list[Observation]:
    """All observations of these rules; none of a channel that was never tried."""
    from src.db.watched.alerts import AlertTables

    names = [channel.name for channel in from_settings(facts.settings)]
    records = AlertTables(facts.connection).outbox.records(facts.now - PAST)
    return channel_observations(names, records)
