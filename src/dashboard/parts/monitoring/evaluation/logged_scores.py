"""How logged forecasts turned out, of all stocks and of the chosen one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from src.dashboard import frame, readers, wording
from src.db.reconnect import Connection
from src.db.tables.scores import ScoreLog
from src.modeling.evaluation.scoreboard import POOLED, scoreboard

Row = Mapping[str, Any]
# Rows in the log, recorded outcomes, and events of models.
Counts = tuple[int, int, int]

KINDS = {"served": "answered", "shadow": "beside it"}
# What the headings mean.
HELP = {
    "Independent": wording.INDEPENDENT,
    "Skill": wording.SKILL,
    "Error": "Mean absolute error: how far the forecast return was off, on average.",
    "Right sign": "Forecasts of a rise or a fall that went the right way.",
    "Base rate": "How often always saying the more frequent way would have been right.",
}
LEVELS = ("0.5", "0.8", "0.9", "0.95")


def draw() -> None:
    """What is known in a sentence, and the scores."""
    st.subheader("How logged forecasts turned out", anchor=False)
    logged, outcomes, _ = counts = readers.read_recent(_counts)
    known = (
        f"{wording.count(logged, 'forecast')} logged, {wording.count(outcomes, 'outcome')} known"
    )
    rows = _rows(counts, frame.stock())
    if not rows:
        st.markdown(f"{known}: none of a forecast that was made before its session was over.")
        return
    st.markdown(
        f"{known}. Forecasts of one session move together and neighbours overlap: “Independent” "
        "says how many there are that do not. Whether a difference is more than chance stands in "
        "Analytics."
    )
    _table(rows)


def _rows(counts: Counts, stock: str | None) -> list[Row]:
    """The scores over all stocks, and then those of one."""
    rows: list[Row] = [row for row in _scores(counts, None) if row["ticker"] == POOLED]
    if stock:
        rows += [row for row in _scores(counts, stock) if row["ticker"] == stock]
    return rows


def _table(rows: Sequence[Row]) -> None:
    st.dataframe(
        [_cells(row) for row in rows],
        hide_index=True,
        column_config={
            "Forecasts": st.column_config.NumberColumn(format="localized"),
            **{name: st.column_config.Column(help=text) for name, text in HELP.items()},
        },
        key="logged_scores",
        alt="Scores of logged forecasts by model, beside those of no change",
    )


def _cells(row: Row) -> dict[str, Any]:
    """A row by the headings of the table."""
    held = {
        f"{wording.percent(float(level), 0)} held": wording.percent(row["coverage"].get(level), 1)
        for level in LEVELS
    }
    return {
        "Of": row["ticker"] or f"all {row['tickers']}",
        "Horizon": wording.ahead(row["sessions"]),
        "Model": f"{wording.model(row['model'])} ({KINDS[row['kind']]})",
        "Forecasts": row["n"],
        "Independent": f"{row['n_eff']:.0f}",
        "Skill": wording.percent(row["skill"], signed=True),
        "Error": wording.percent(row["mae"]),
        "Error of no change": wording.percent(row["mae_zero"]),
        **held,
        "Right sign": wording.percent(row["direction"], 1),
        "Base rate": wording.percent(row["base_rate"], 1),
    }


@st.cache_data(max_entries=20, show_spinner="Scoring the forecasts …")
def _scores(counts: Counts, ticker: str | None) -> list[dict[str, Any]]:
    """The scores; the tables only grow, so that as many rows are the same ones."""
    return readers.uncached(_scoreboard, ticker)


def _scoreboard(connection: Connection, ticker: str | None) -> list[dict[str, Any]]:
    return scoreboard(ScoreLog(connection), ticker)


def _counts(connection: Connection) -> Counts:
    return ScoreLog(connection).counts()
