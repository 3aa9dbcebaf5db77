"""What a check found: of one rule and subject, whether it is bad, good or could not be measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Observation:
    """One condition as it was measured.

    Attributes:
        rule: Name of the rule that it belongs to, see ``src.monitoring.rules``.
        subject: What it was measured of, such as ``TCS.NS`` or ``NSE/short``; empty for the
            installation as a whole.
        bad: Whether the rule's condition holds; None where it could not be measured, which is
            neither: an alert ends by a measured good value only.
        sentence: What is so, with the value, for a person.
        value: The measured number, in the unit of the rule's limit; None where there is none.
        cause: Subjects of a rule with one cause are told in one message; empty for the subject.
    """

    rule: str
    subject: str
    bad: bool | None
    sentence: str
    value: float | None = None
    cause: str = ""

    @property
    def group(self) -> str:
        """What is told in one message."""
        return self.cause or self.subject
