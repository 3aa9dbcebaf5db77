"""State the actions of each ticker and ex-date by the rows of an exchange's list."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from src.data.corporate_actions.intake.exchange_lists.combine import combined_parts
from src.data.corporate_actions.intake.exchange_lists.face_values import FaceValues
from src.data.corporate_actions.intake.exchange_lists.revisions import ParsedRow, current_rows
from src.data.corporate_actions.intake.exchange_lists.rows import (
    SHARE_SERIES,
    UNIT_SERIES,
    ActionRow,
)
from src.data.corporate_actions.intake.subjects.grammar import parse_subject
from src.data.corporate_actions.intake.subjects.parts import Part

_OTHER_SECURITY = (Part("nothing", label="another security"),)


@dataclass(frozen=True)
class Statement:
    """One action of a ticker on an ex-date, of one kind.

    Attributes:
        kind: split, bonus, dividend, rights, demerger, event or unclear.
        ratio: Shares after / before, of a split or a bonus.
        amount: Rupees a share as paid, of a dividend.
        evidence: ``subject`` as written, and what it says beside ratio and amount.
        is_assumed: It rests on a face value that may not have been that of the ex-date.
    """

    ticker: str
    ex_date: dt.date
    kind: str
    ratio: float | None
    amount: float | None
    evidence: dict[str, Any]
    is_assumed: bool = False


@dataclass(frozen=True)
class Reading:
    """What a list of actions states.

    Attributes:
        statements: In order of ticker, ex-date and kind; one for each of these.
        rows: Numbers of rows by what they state; a row that states two kinds is counted in both.
        undated: Rows that state something and name no ex-date, as sentences.
        other_series: Series of other securities than shares, whose rows state nothing.
    """

    statements: list[Statement]
    rows: Counter[str] = field(default_factory=Counter)
    undated: list[str] = field(default_factory=list)
    other_series: tuple[str, ...] = ()


def state_actions(rows: Sequence[ActionRow], known_on: dt.date) -> Reading:
    """What the rows of a list state, which was fetched on ``known_on``."""
    parsed = [ParsedRow(row, _parts(row)) for row in rows]
    current = current_rows(parsed)
    counts = Counter(kind for row in current for kind in _kinds(row))
    counts["repeated"] = len(parsed) - len(current)
    dated = sorted(
        (row for row in current if row.row.ex_date and _kinds(row) != {"nothing"}),
        key=lambda row: (row.row.ticker, row.row.ex_date),
    )
    face_values = FaceValues.of_rows(dated, known_on)
    statements = [
        statement
        for (ticker, day), group in groupby(
            dated, key=lambda row: (row.row.ticker, row.row.ex_date)
        )
        if day is not None
        for statement in _of_day(ticker, day, list(group), face_values)
    ]
    others = {row.series for row in rows} - SHARE_SERIES - UNIT_SERIES
    return Reading(statements, counts, _undated(current), tuple(sorted(others)))


def _parts(row: ActionRow) -> tuple[Part, ...]:
    if row.series in UNIT_SERIES:
        return parse_subject(row.subject, is_unit=True)
    return parse_subject(row.subject) if row.series in SHARE_SERIES else _OTHER_SECURITY


def _kinds(row: ParsedRow) -> set[str]:
    kinds: set[str] = {part.kind for part in row.parts}
    return kinds - {"nothing"} or {"nothing"}


def _of_day(
    ticker: str, day: dt.date, rows: list[ParsedRow], face_values: FaceValues
) -> Iterable[Statement]:
    """The statements of one ticker and day."""
    resolved = [face_values.resolved(row) for row in rows]
    for combined in combined_parts(resolved):
        part = combined.part
        evidence: dict[str, Any] = {"subject": " | ".join(combined.subjects), **part.detail}
        is_assumed = bool(evidence.pop("is_assumed", False))
        if part.kind == "event":
            evidence["event"] = part.label
        if part.kind == "unclear":
            evidence["reason"] = part.label
        yield Statement(ticker, day, part.kind, part.ratio, part.amount, evidence, is_assumed)


def _undated(rows: list[ParsedRow]) -> list[str]:
    return [
        f"line {row.row.line}: {row.row.subject!r} of {row.row.ticker} names no ex-date"
        for row in rows
        if row.row.ex_date is None and _kinds(row) != {"nothing"}
    ]
