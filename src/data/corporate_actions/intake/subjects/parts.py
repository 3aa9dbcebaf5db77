"""What a subject states: parts, each of one kind of corporate action."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

PartKind = Literal[
    "split", "bonus", "dividend", "rights", "demerger", "event", "nothing", "unclear"
]


@dataclass(frozen=True)
class Part:
    """One action that a subject states.

    Attributes:
        kind: ``nothing`` changes neither shares nor price; ``unclear`` is not understood.
        ratio: Shares after / before, of a split or a bonus.
        amount: Rupees a share or unit that are paid out, without ``percent``.
        percent: A dividend in per cent of the face value.
        label: Which dividend it is (``interim``, ``special interim``, ...), which event, or why a
            part is unclear.
        detail: What else the subject says: face values of a split, the bonus as written, offers of
            rights.
    """

    kind: PartKind
    ratio: float | None = None
    amount: float | None = None
    percent: float | None = None
    label: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


def unclear(reason: str) -> Part:
    """A part that is not understood."""
    return Part("unclear", label=reason)
