"""Describe rows of the ledger of corporate actions in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from src.data.corporate_actions.action import VALUE_KINDS
from src.data.corporate_actions.ledger import JUMP
from src.data.corporate_actions.price_checks.rights import OFFERS, THEORETICAL
from src.data.report.formatting import format_price, format_time, format_value


def action_cells(action: Mapping[str, Any]) -> tuple[str, ...]:
    """A row of the ledger: its kind, effect, status, origin, who decided, since when and why."""
    return (
        action["kind"],
        _effect(action),
        action["status"],
        f"{action['origin']}, {action['source']}",
        action["decided_by"],
        format_time(action["known_at"]),
        evidence_text(action["evidence"]),
    )


def _effect(action: Mapping[str, Any]) -> str:
    if action["ratio"] is not None:
        return ratio_text(action["kind"], action["ratio"])
    return "-" if action["amount"] is None else f"{action['amount']:g} a share"


def ratio_text(kind: str, ratio: float) -> str:
    """Shares for each before, or, of what leaves these, by what earlier prices are divided."""
    if kind in VALUE_KINDS:
        return f"divides earlier prices by {ratio:.6g}"
    return f"{ratio:g} for 1"


def evidence_text(text: str | None) -> str:
    """The evidence of a row, which is stored as a JSON object, in words."""
    evidence = json.loads(text or "{}")
    if "close_ratio" in evidence:
        # The measurements of an inference; the rest follows from the bars around it.
        names = ("open_ratio", "close_ratio", "nearest", "doubts")
        evidence = {name: evidence.get(name) for name in names}
    return ", ".join(_part(name, value) for name, value in evidence.items() if value)


def _part(name: str, value: Any) -> str:
    if name == OFFERS:
        return f"offers {' and '.join(map(_offer, value))}"
    if name == THEORETICAL:
        return _theory(value)
    if name == JUMP:
        return _jump(value)
    words = name.replace("_", " ")
    return words if value is True else f"{words} {_words(value)}"


def _offer(offer: Mapping[str, Any]) -> str:
    shares = f"{offer['new']:g} new for {offer['held']:g} held"
    part = ", partly paid" if offer.get("partly_paid") else ""
    if offer.get("price") is not None:
        return f"{shares} at {format_price(offer['price'])}{part}"
    if offer.get("premium") is not None:
        return f"{shares} at the face value and {format_price(offer['premium'])}{part}"
    return f"{shares} at a price that is not named{part}"


def _theory(theory: Mapping[str, Any]) -> str:
    return (
        f"close before {format_price(theory['close_before'])} ({theory['source']}, "
        f"{theory['prev_date']}), in theory {format_price(theory['ex_rights'])} without the right"
    )


def _jump(jump: Mapping[str, Any]) -> str:
    return (
        f"close of {jump['prev_date']} {format_price(jump['prev_close'])}, then on {jump['date']} "
        f"open {format_price(jump['open'])} and close {format_price(jump['close'])}"
    )


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_words(part)}" for name, part in value.items())
    if isinstance(value, list):
        return "; ".join(map(_words, value))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return format_value(value)
    return str(value)
