"""Check whether forecasts keep what they promise, by the newest measures that a run has stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from src.monitoring.drift import observe

if TYPE_CHECKING:
    from src.monitoring.checks.facts import Facts
    from src.monitoring.observation import Observation

RULES = (*dict.fromkeys(observe.RULES.values()), observe.CONFIRMED)


def check(facts: Facts) -> list[Observation]:
    """All observations of these rules; none before the first measures."""
    return observe.drift_observations(facts.drift)
