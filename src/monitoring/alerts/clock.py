"""Take a time that has not come yet, of a clock that was once ahead, as now."""

from __future__ import annotations

import datetime as dt
from dataclasses import fields, replace
from typing import Any, TypeVar

from src.core.alerts import Alert, AlertGroup

T = TypeVar("T", Alert, AlertGroup)


def not_after(row: T, now: dt.datetime) -> T:
    """The same with no time later than now: repeats and escalation would wait for it."""
    values = {field.name: getattr(row, field.name) for field in fields(row)}
    later: dict[str, Any] = {
        name: now
        for name, value in values.items()
        if isinstance(value, dt.datetime) and value > now
    }
    return replace(row, **later) if later else row
