"""Check what runs have measured: the quality of data, and whether forecasts keep their promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from src.monitoring.drift import observe as drift
from src.monitoring.quality import observe as quality

if TYPE_CHECKING:
    from src.monitoring.checks.facts import Facts
    from src.monitoring.observation import Observation

RULES = (quality.RULE, *dict.fromkeys(drift.RULES.values()), drift.CONFIRMED)


def check(facts: Facts) -> list[Observation]:
    """All observations of these rules; none before the first run."""
    limit = facts.settings.monitoring.quality_alert_below
    return [
        *quality.quality_observations(facts.quality, limit),
        *drift.drift_observations(facts.drift),
    ]
