"""Every rule that can raise an alert, with its severity, its patience and what to do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Severity = Literal["INFO", "WARNING", "CRITICAL"]
SEVERITIES: tuple[Severity, ...] = ("INFO", "WARNING", "CRITICAL")

MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1)


@dataclass(frozen=True)
class Rule:
    """A condition that a person is told of.

    Attributes:
        name: In lower case, with underscores; its entry in ``docs/runbook.md`` has this heading.
        severity: Of its alerts.
        limit: The condition in words, with its number and unit.
        meaning: What an alert means for forecasts.
        action: What to do first.
        pending_for: How long the condition must hold before the alert fires.
        keep_firing_for: How long a good value must hold before the alert is resolved.
        inhibited_by: Rules whose firing alerts keep those of this rule from being delivered.
        repeat_after: While it fires, it is told again after so long; None for never.
        escalate_after_sessions: A WARNING that fires so many sessions is told as CRITICAL; None
            for never.
        needs_session: Whether it is delivered on sessions of the exchange only.
    """

    name: str
    severity: Severity
    limit: str
    meaning: str
    action: str
    pending_for: dt.timedelta = dt.timedelta(0)
    keep_firing_for: dt.timedelta = dt.timedelta(0)
    inhibited_by: tuple[str, ...] = ()
    repeat_after: dt.timedelta | None = dt.timedelta(hours=24)
    escalate_after_sessions: int | None = None
    needs_session: bool = False

    @property
    def runbook(self) -> str:
        """The place of its entry in the runbook."""
        return f"docs/runbook.md#{self.name}"


def _table(*rules: Rule) -> dict[str, Rule]:
    return {rule.name: rule for rule in rules}


RULES: Mapping[str, Rule] = _table(
    Rule(
        "database_unreachable",
        "CRITICAL",
        limit="the database does not answer within 5 seconds",
        meaning="No run can store anything, and the service answers from its cache only.",
        action="Start the server, or correct DATABASE_URL.",
        pending_for=MINUTE,
        repeat_after=HOUR,
    ),
)
