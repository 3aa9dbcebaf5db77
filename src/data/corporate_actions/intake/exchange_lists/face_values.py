"""Tell the face value of a share on a day, by the splits of its list and by its column.

The column of NSE's list is of the day on which the list was made, not of the ex-date: a split that
came later is in it already.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from src.data.corporate_actions.intake.exchange_lists.revisions import ParsedRow
from src.data.corporate_actions.intake.subjects.parts import Part

# A list whose newest ex-date is this near the day of its fetch has every split until then.
UP_TO_DATE = dt.timedelta(days=60)


@dataclass(frozen=True)
class FaceValues:
    """Changes of face value in date order by ticker, and whether the list goes on until today."""

    changes: dict[str, list[tuple[dt.date, float, float]]] = field(default_factory=dict)
    is_up_to_date: bool = False

    @classmethod
    def of_rows(cls, rows: Iterable[ParsedRow], known_on: dt.date) -> FaceValues:
        """Of the rows of a list in date order, which was fetched on ``known_on``."""
        changes: dict[str, list[tuple[dt.date, float, float]]] = {}
        newest = dt.date.min
        for parsed in rows:
            day = parsed.row.ex_date
            if day is None:
                continue
            newest = max(newest, day)
            for part in parsed.parts:
                if "from_face_value" in part.detail:
                    change = (day, part.detail["from_face_value"], part.detail["to_face_value"])
                    changes.setdefault(parsed.row.ticker, []).append(change)
        return cls(changes, known_on - newest <= UP_TO_DATE)

    def on(self, ticker: str, day: dt.date, column: float | None) -> tuple[float | None, bool]:
        """The face value before the session of a day, and whether it is certain."""
        changes = self.changes.get(ticker, [])
        for changed_on, before, _ in changes:
            if changed_on >= day:
                return before, True
        if changes:
            return changes[-1][2], self.is_up_to_date or changes[-1][2] == column
        return column, self.is_up_to_date

    def resolved(self, parsed: ParsedRow) -> ParsedRow:
        """The row with per cents and premiums in rupees."""
        row = parsed.row
        if row.ex_date is None or not any(map(_needs_face_value, parsed.parts)):
            return parsed
        value, is_certain = self.on(row.ticker, row.ex_date, row.face_value)
        parts = tuple(_resolved(part, value, is_certain=is_certain) for part in parsed.parts)
        return dataclasses.replace(parsed, parts=parts)


def _needs_face_value(part: Part) -> bool:
    return part.percent is not None or part.kind == "rights"


def _resolved(part: Part, value: float | None, *, is_certain: bool) -> Part:
    if part.kind == "rights":
        offers = [_priced(offer, value) for offer in part.detail["offers"]]
        return dataclasses.replace(part, detail={**part.detail, "offers": offers})
    if part.percent is None:
        return part
    if value is None:
        return Part("unclear", label="it is in per cent of a face value that the list lacks")
    detail: dict[str, Any] = {"percent": part.percent, "face_value": value}
    if not is_certain:
        detail["is_assumed"] = True
    amount = round(part.percent * value / 100, 6)
    return dataclasses.replace(part, amount=amount, percent=None, detail=detail)


def _priced(offer: dict[str, Any], value: float | None) -> dict[str, Any]:
    if offer["price"] is not None or offer["premium"] is None or value is None:
        return {**offer, "face_value": value}
    return {**offer, "face_value": value, "price": round(offer["premium"] + value, 6)}
