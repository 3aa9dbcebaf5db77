"""What a check says: it reports, and neither raises nor repairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["INFO", "WARNING", "CRITICAL"]


@dataclass(frozen=True)
class Finding:
    """The outcome of one check: a sentence with the values, and how much a failure matters."""

    check: str
    passed: bool
    severity: Severity
    message: str
    details: Mapping[str, Any] = field(default_factory=dict)
