"""Combine what the rows of one ticker and ex-date state into one part of each kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from src.data.corporate_actions.intake.exchange_lists.revisions import (
    ParsedRow,
    dividend_name,
    without_replaced,
)
from src.data.corporate_actions.intake.subjects.parts import Part, unclear

# What a trust pays out twice on one day is paid twice; two dividends of one name are not.
_MANY = "distribution"


@dataclass(frozen=True)
class CombinedPart:
    """A part, and the subjects of the rows that state it."""

    part: Part
    subjects: tuple[str, ...]


def combined_parts(rows: list[ParsedRow]) -> list[CombinedPart]:
    """One part of each kind that the rows of one ticker and day state.

    Ratios that disagree, and dividends of one name with two amounts, are unclear.
    """
    combined = [_share_change(rows, kind) for kind in ("bonus", "split")]
    combined += [_dividend(rows), _rights(rows)]
    combined += [_named(rows, kind) for kind in ("demerger", "event")]
    stated = [each for each in combined if each is not None]
    clear = [each for each in stated if each.part.kind != "unclear"]
    failed = [each for each in stated if each.part.kind == "unclear"]
    return [*clear, *_unclear(rows, failed)]


def _subjects(rows: list[ParsedRow]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(row.row.subject for row in rows))


def _share_change(rows: list[ParsedRow], kind: str) -> CombinedPart | None:
    stating = without_replaced(rows, kind)
    parts = {part.ratio: part for row in stating for part in row.parts if part.kind == kind}
    if not parts:
        return None
    if len(parts) > 1:
        ratios = " and ".join(f"{ratio:g}" for ratio in sorted(filter(None, parts)))
        return CombinedPart(unclear(f"its rows state ratios of {ratios}"), _subjects(stating))
    return CombinedPart(next(iter(parts.values())), _subjects(stating))


def _dividend(rows: list[ParsedRow]) -> CombinedPart | None:
    """All dividends of the day added up; a revised one replaces the one of its name."""
    by_row = _dividends_by_row(rows)
    stating = [row for row, _ in by_row]
    if not by_row:
        return None
    counted: list[Part] = []
    for name in dict.fromkeys(dividend_name(part) for _, parts in by_row for part in parts):
        of_rows = [[part for part in parts if dividend_name(part) == name] for _, parts in by_row]
        sums = {_amount(parts): parts for parts in of_rows if parts}
        if len(sums) > 1 and name != _MANY:
            values = " and ".join(f"{value:g}" for value in sorted(sums))
            reason = unclear(f"its rows state dividends of {values}")
            return CombinedPart(reason, _subjects(stating))
        counted += [part for parts in sums.values() for part in parts]
    return CombinedPart(_total(counted), _subjects(stating))


def _dividends_by_row(rows: list[ParsedRow]) -> list[tuple[ParsedRow, list[Part]]]:
    """The rows with dividends that count, and these."""
    stated = [(row, [part for part in row.parts if part.kind == "dividend"]) for row in rows]
    revised = {dividend_name(part) for row, parts in stated if row.is_revised for part in parts}
    counted = [
        (row, [part for part in parts if row.is_revised or dividend_name(part) not in revised])
        for row, parts in stated
    ]
    return [(row, parts) for row, parts in counted if parts]


def _amount(parts: list[Part]) -> float:
    return round(sum(part.amount or 0 for part in parts), 6)


def _total(parts: list[Part]) -> Part:
    detail: dict[str, Any] = {}
    for part in parts:
        detail |= part.detail
    if len(parts) > 1:
        detail["parts"] = [part.amount for part in parts]
    return Part("dividend", amount=_amount(parts), detail=detail)


def _rights(rows: list[ParsedRow]) -> CombinedPart | None:
    stating = without_replaced(rows, "rights")
    details = [part.detail for row in stating for part in row.parts if part.kind == "rights"]
    if not details:
        return None
    offers: list[dict[str, Any]] = []
    for detail in details:
        offers += [offer for offer in detail["offers"] if offer not in offers]
    return CombinedPart(Part("rights", detail={**details[0], "offers": offers}), _subjects(stating))


def _named(rows: list[ParsedRow], kind: str) -> CombinedPart | None:
    stating = [row for row in rows if any(part.kind == kind for part in row.parts)]
    labels = dict.fromkeys(part.label for row in stating for part in row.parts if part.kind == kind)
    if not stating:
        return None
    part = next(part for row in stating for part in row.parts if part.kind == kind)
    return CombinedPart(Part(part.kind, label=", ".join(labels)), _subjects(stating))


def _unclear(rows: list[ParsedRow], failed: list[CombinedPart]) -> list[CombinedPart]:
    """One part for all that is not understood of the day."""
    stating = [(row, part) for row in rows for part in row.parts if part.kind == "unclear"]
    if not stating and not failed:
        return []
    reasons = [part.label for _, part in stating] + [each.part.label for each in failed]
    subjects = _subjects([row for row, _ in stating])
    subjects += tuple(subject for each in failed for subject in each.subjects)
    return [
        CombinedPart(unclear("; ".join(dict.fromkeys(reasons))), tuple(dict.fromkeys(subjects)))
    ]
