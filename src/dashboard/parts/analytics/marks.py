"""What happened to a stock and its models between two days of a chart."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from src.dashboard import readers, wording
from src.db.pages import marks
from src.db.pages.marks import Mark


def marks_of(
    ticker: str, horizon: str, days: Sequence[dt.date], *, of_models: bool = True
) -> list[Mark]:
    """Promotions and rollbacks at a horizon; with ``of_models`` false also what befell the prices.

    Between the first and the last of ascending days; none without days.
    """
    if not days:
        return []
    found = readers.read(marks.marks, ticker, days[0], days[-1], str(wording.IST))
    return [
        mark for mark in found if mark.horizon == horizon or (not mark.horizon and not of_models)
    ]
