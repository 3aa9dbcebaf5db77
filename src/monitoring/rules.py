"""Every rule that can raise an alert: what it means and what to do, as `rules.toml` declares it."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from src.core.alerts import Severity


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
        inhibited_by: Rules whose live alerts keep those of this rule from being delivered: an
            alert of the same subject, of the subject that is the cause, or of the installation.
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


# Durations by their key in the file, in its unit; a repeat of 0 hours means never.
_UNITS = {"pending": "minutes", "keep_firing": "minutes", "repeat": "hours"}


def _read() -> dict[str, Rule]:
    text = resources.files("src.monitoring").joinpath("rules.toml").read_text(encoding="utf-8")
    return {name: _rule(name, entry) for name, entry in tomllib.loads(text).items()}


def _rule(name: str, entry: dict[str, Any]) -> Rule:
    """A rule from its table in the file; a key that is not known is an error."""
    pending, keep_firing, repeat = (
        dt.timedelta(**{unit: entry.pop(f"{key}_{unit}", 24 if key == "repeat" else 0)})
        for key, unit in _UNITS.items()
    )
    inhibited_by = tuple(entry.pop("inhibited_by", ()))
    return Rule(
        name=name,
        pending_for=pending,
        keep_firing_for=keep_firing,
        repeat_after=repeat or None,
        inhibited_by=inhibited_by,
        **entry,
    )


RULES: Mapping[str, Rule] = _read()
