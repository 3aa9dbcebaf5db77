"""Tables of text for a person, whether on a terminal or on a page, and how values read; pure."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from src.core.tables import DAILY_VALUES

NUMBER = re.compile(r"[+-]?[\d,.]+(e[+-]\d+)?%?( times)?|-|\d+ → \d+")
DAY = re.compile(r"\d{4}-\d\d-\d\d[\d:+. ]*")
SHORT = dict(zip(DAILY_VALUES, ("O", "H", "L", "C", "V", "adj"), strict=True))


@dataclass(frozen=True)
class Section:
    """A table under a title; ``shown`` rows of it fit on a terminal. Titles differ."""

    title: str
    headers: tuple[str, ...] = ()
    rows: Sequence[tuple[str, ...]] = ()
    remarks: tuple[str, ...] = ()
    shown: int = 40

    def is_dated(self, column: int) -> bool:
        """Whether a column holds dates or times only, which are read as one piece."""
        return all(DAY.fullmatch(row[column]) for row in self.rows)

    def is_numeric(self, column: int) -> bool:
        """Whether a column holds counts and numbers only, which read best on the right."""
        return all(NUMBER.fullmatch(row[column]) for row in self.rows)


def price(value: float | None) -> str:
    """A price with the digits that a person reads."""
    if value is None:
        return "-"
    return f"{value:,.2f}" if abs(value) >= 10 else f"{value:.4g}"


def exact(value: float | None, digits: int = 7) -> str:
    """A value with enough digits to tell it from one that was restated: noise is below 1e-5."""
    if value is None:
        return "-"
    whole = float(value).is_integer() or abs(value) >= 10**digits
    return f"{value:,.0f}" if whole else f"{value:,.{digits}g}"


def percent(value: float | None) -> str:
    """A relative change; a thousandfold is said as such."""
    if value is None:
        return "-"
    return f"{value:+.3%}" if abs(value) < 10 else f"{value + 1:,.4g} times"


def moment(value: object) -> str:
    """A time in UTC to the second, without the zone's name."""
    return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, dt.datetime) else "-"


def bar(row: Mapping[str, Any], prefix: str = "", digits: int = 7) -> str:
    """The values of a bar on one line, those that there are; ``nothing`` where none is."""
    held = {short: row.get(f"{prefix}{name}") for name, short in SHORT.items()}
    said = [f"{name} {exact(value, digits)}" for name, value in held.items() if value is not None]
    return " ".join(said) or "nothing"


def values(text: str | None) -> str:
    """A stored JSON object on one line."""
    try:
        held = json.loads(text or "{}")
    except json.JSONDecodeError:
        return text or ""
    if not isinstance(held, dict):
        return str(held)
    if set(held) <= {"at", *SHORT} and not any(isinstance(one, str) for one in _but_at(held)):
        return bar(held)
    return ", ".join(f"{name} {_short(value)}" for name, value in held.items() if name != "at")


def worth(action: dict[str, Any]) -> str:
    """What an action does: shares for one, or money a share."""
    if action["ratio"] is not None:
        return f"{action['ratio']:g} for 1"
    return "-" if action["amount"] is None else f"{action['amount']:g} a share"


def evidence(text: str) -> str:
    """The evidence of an action in short, without the days around it."""
    held = json.loads(text or "{}")
    if "close_ratio" in held:
        # What was measured for an inference; the rest follows from the bars around it.
        held = {name: held.get(name) for name in ("open_ratio", "close_ratio", "nearest", "doubts")}
    return ", ".join(
        f"{name.replace('_', ' ')} {_short(value)}" for name, value in held.items() if value
    )


def at_of(at: dt.datetime, kind: str) -> str:
    """A session's date, or an hour's start in UTC."""
    return str(at.date()) if kind == "daily" else f"{at:%Y-%m-%d %H:%M}"


def _but_at(held: Mapping[str, Any]) -> list[Any]:
    return [value for name, value in held.items() if name != "at"]


def _short(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return exact(value)
    return str(value)
