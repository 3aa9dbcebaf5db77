"""Find the jumps that demergers, schemes and other events without a stated ratio explain."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from src.data.corporate_actions.ledger import CONTRADICTION, JUMP, with_evidence
from src.data.corporate_actions.price_checks.split_inference import InferredSplit

# The price follows on the ex-date, or on the record date a session later.
MOST_BARS_LATER = 2
MEASURED = ("prev_date", "prev_close", "open", "close", "other_sources")


@dataclass(frozen=True)
class ExplainedJumps:
    """Jumps in the prices, by whether a stated event explains them.

    Attributes:
        unexplained: the other jumps.
        events: the rows of the events. Those that explain a jump are pending, with the jump in
            their evidence; the others wait for nobody.
        days: dates of the jumps that are explained.
    """

    unexplained: list[InferredSplit]
    events: pl.DataFrame
    days: set[dt.date]


def explain_jumps(
    jumps: Sequence[InferredSplit], events: pl.DataFrame, bars: pl.DataFrame
) -> ExplainedJumps:
    """Give each event the jump of the first bar from its ex-date on, or of the next two bars.

    ``events`` are ledger rows on which nobody has decided, ``bars`` one ticker's in date order.
    """
    jump_at = {int(bars["date"].search_sorted(jump.date)): jump for jump in jumps}
    rows, days = [], set()
    for row in events.iter_rows(named=True):
        first = int(bars["date"].search_sorted(row["date"]))
        near = range(first, first + MOST_BARS_LATER + 1)
        jump = next((jump_at[at] for at in near if at in jump_at), None)
        rows.append(row | {"status": "applied"} if jump is None else _pending(row, jump))
        days |= set() if jump is None else {jump.date}
    unexplained = [jump for jump in jumps if jump.date not in days]
    return ExplainedJumps(unexplained, pl.DataFrame(rows, schema=events.schema), days)


def _pending(row: dict[str, Any], jump: InferredSplit) -> dict[str, Any]:
    measured = {name: jump.evidence[name] for name in MEASURED if jump.evidence[name]}
    move = jump.evidence["open_ratio"] - 1
    evidence = {
        CONTRADICTION: f"the price opened {move:+.1%} on {jump.date}",
        JUMP: {"date": jump.date.isoformat(), **measured},
    }
    return row | {"status": "pending", "evidence": with_evidence(row["evidence"], evidence)}
