"""Each stock's own scores, those that are decided first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from src.dashboard import wording
from src.dashboard.parts.analytics import evidence, numbers
from src.dashboard.parts.analytics.numbers import percent_range, verdict_of
from src.modeling.report.statistics.performance import Performance, TickerScores

HEIGHT = 360
# Of ranges of 95 %, so many exclude zero by chance.
BY_CHANCE = 0.05


def draw(scores: Performance, source: str) -> None:
    """What is decided in a sentence, and the table."""
    st.subheader("Scoreboard", anchor=False)
    rows = sorted(scores.tickers, key=_order)
    if not rows:
        st.markdown("There is one stock only.")
        return
    st.markdown(_explained(rows, source))
    _table(rows)


def _explained(rows: Sequence[TickerScores], source: str) -> str:
    decided = sum(verdict_of(row.gain)[1] == 0 for row in rows)
    what = "the model" if source == evidence.WALK_FORWARD else "what was answered"
    return (
        f"The range excludes zero for {decided} of {wording.count(len(rows), 'stock')}: they come "
        f"first. With {len(rows)} checks, about {wording.number(BY_CHANCE * len(rows), 1)} would "
        f"look decided by chance alone. Errors of {what} against “no change”."
    )


def _table(rows: Sequence[TickerScores]) -> None:
    numbers.toolbar_room()
    st.dataframe(
        [_row(row) for row in rows],
        hide_index=True,
        key="scoreboard",
        height=min(HEIGHT, 38 * (len(rows) + 1)),
        column_config={
            "Stock": st.column_config.TextColumn(pinned=True),
            "On its own": st.column_config.TextColumn(
                help="What this stock's errors alone would say; the verdict weighs all stocks."
            ),
            "Skill": st.column_config.TextColumn(help=wording.SKILL),
            "Independent": st.column_config.TextColumn(help=wording.INDEPENDENT),
        },
        alt="Scores by stock, decided ones first",
    )


def _order(row: TickerScores) -> tuple[int, float]:
    """Decided ones first, then by skill."""
    return verdict_of(row.gain)[1], -(row.gain.value or 0.0)


def _row(row: TickerScores) -> dict[str, Any]:
    return {
        "Stock": row.ticker,
        "On its own": verdict_of(row.gain)[0],
        "Skill": wording.percent(row.gain.value, signed=True),
        "95 % range": percent_range(row.gain),
        "Independent": wording.periods(row.gain.n_eff),
        "80 % held": wording.percent(row.held.value, 0),
    }
