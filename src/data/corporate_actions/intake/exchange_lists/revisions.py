"""Leave out rows that repeat another row, or that a revised row replaces."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from src.data.corporate_actions.intake.exchange_lists.rows import ActionRow
from src.data.corporate_actions.intake.subjects.parts import Part
from src.data.corporate_actions.intake.subjects.payouts import NO_AMOUNT
from src.data.corporate_actions.intake.subjects.tokens import is_date_revised, is_revised

# A date is moved by days or weeks; the next dividend of the same amount is months away.
NEAR = dt.timedelta(days=60)


@dataclass(frozen=True)
class ParsedRow:
    """A row and what its subject states; ``is_revised`` when it says that it replaces another."""

    row: ActionRow
    parts: tuple[Part, ...]

    @property
    def is_revised(self) -> bool:
        """Whether the subject is a revised one."""
        return is_revised(self.row.subject)


def current_rows(rows: list[ParsedRow]) -> list[ParsedRow]:
    """The rows without repetitions, and without those that another row revises or completes."""
    seen: set[tuple[object, ...]] = set()
    kept: list[ParsedRow] = []
    for parsed in rows:
        key = (parsed.row.ticker, parsed.row.ex_date, _plain(parsed.row.subject))
        if key not in seen:
            seen.add(key)
            kept.append(parsed)
    moved = [parsed for parsed in kept if is_date_revised(parsed.row.subject) and _value(parsed)]
    by_ticker: dict[str, list[ParsedRow]] = {}
    for parsed in moved:
        by_ticker.setdefault(parsed.row.ticker, []).append(parsed)
    return [
        parsed
        for parsed in _without_incomplete(kept)
        if not any(_replaces(later, parsed) for later in by_ticker.get(parsed.row.ticker, ()))
    ]


def _without_incomplete(rows: list[ParsedRow]) -> list[ParsedRow]:
    """The rows without those whose dividend another row of the day names with its amount."""
    named = {
        (parsed.row.ticker, parsed.row.ex_date, dividend_name(part))
        for parsed in rows
        for part in parsed.parts
        if part.kind == "dividend"
    }
    return [
        parsed
        for parsed in rows
        if not all(
            part.label == NO_AMOUNT
            and (parsed.row.ticker, parsed.row.ex_date, dividend_name(part)) in named
            for part in parsed.parts
            if part.kind != "nothing"
        )
        or all(part.kind == "nothing" for part in parsed.parts)
    ]


def dividend_name(part: Part) -> str:
    """Which dividend it is; the one of the year is called final or nothing."""
    name = part.detail.get("dividend", part.label)
    return "" if name == "final" else str(name)


def _replaces(revised: ParsedRow, other: ParsedRow) -> bool:
    """Whether the revised row states the same for another day nearby."""
    day, other_day = revised.row.ex_date, other.row.ex_date
    if day is None or other_day is None or day == other_day or other.is_revised:
        return False
    return abs(day - other_day) <= NEAR and _value(revised) == _value(other)


def _value(parsed: ParsedRow) -> tuple[object, ...]:
    """What a row states, without what changes nothing and what is unclear."""
    return tuple(
        (part.kind, part.ratio, part.amount, part.percent, part.label, str(part.detail))
        for part in parsed.parts
        if part.kind not in ("nothing", "unclear")
    )


def _plain(subject: str) -> str:
    return re.sub(r"[^a-z0-9.%:]", "", subject.lower())


def without_replaced(rows: list[ParsedRow], kind: str) -> list[ParsedRow]:
    """Of the rows of one day that state a kind, the revised ones where there are any."""
    stating = [parsed for parsed in rows if any(part.kind == kind for part in parsed.parts)]
    revised = [parsed for parsed in stating if parsed.is_revised]
    return revised or stating
