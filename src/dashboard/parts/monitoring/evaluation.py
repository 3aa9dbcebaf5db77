"""The tab of evaluation: drift against its limits, and how logged forecasts turned out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from src.dashboard import frame, readers, theme, wording
from src.dashboard.charts.drift import distances
from src.db.reconnect import Connection
from src.db.tables.scores import ScoreLog
from src.db.watched.drift import DriftTables
from src.modeling.evaluation.scoreboard import POOLED, scoreboard

Row = Mapping[str, Any]

NAMES = {
    "skill": "skill against no change",
    "coverage": "90 % band, last quarter",
    "coverage_year": "90 % band, last year",
    "early_coverage": "90 % band, by the first month",
    "feature_shift": "shift of features",
}
STATES = {True: "✕ beyond its limit", False: "✓ within its limit", None: "– too few outcomes"}
KINDS = {"served": "answered", "shadow": "beside it"}
# What the headings of the scoreboard mean.
HELP = {
    "Independent": "Sessions divided by the sessions ahead: forecasts that do not overlap (n_eff).",
    "Skill": "How much smaller the errors were than those of “no change”.",
    "Error": "Mean absolute error: how far the forecast return was off, on average.",
    "Right sign": "Forecasts of a rise or a fall that went the right way.",
    "Base rate": "How often always saying the more frequent way would have been right.",
}
LEVELS = ("0.5", "0.8", "0.9", "0.95")


def draw() -> None:
    """Draw the tab."""
    with frame.block("Drift"):
        _drift(readers.read_recent(_latest_drift))
    with frame.block("The scoreboard"):
        _scoreboard()


def _drift(rows: Sequence[Row]) -> None:
    if not rows:
        st.subheader("Drift has not been measured yet", anchor=False)
        st.markdown("A run of all stocks measures it once outcomes of forecasts are known.")
        return
    bad = [row for row in rows if row["bad"]]
    known = sum(row["bad"] is not None for row in rows)
    many = wording.count(len(bad), "measure is", "measures are")
    head = f"{many} beyond the limit" if bad else "No measure of drift is beyond its limit"
    st.subheader(f"{head}, of {known} with enough outcomes", anchor=False)
    drawn = [
        (_name(row), abs(row["t"]) / row["limit_t"], bool(row["bad"]))
        for row in rows
        if row["t"] is not None and row["limit_t"]
    ]
    if drawn:
        theme.show(
            distances(drawn, theme.kind()),
            key="drift",
            alt="Distance of each measure of drift from what was promised, against its limit: "
            + "; ".join(f"{name} {distance:.2f}" for name, distance, _ in drawn),
        )
    st.dataframe(
        {
            "Measure": [_name(row) for row in rows],
            "State": [STATES[row["bad"]] for row in rows],
            "Value": [_value(row["measure"], row["value"]) for row in rows],
            "Promised": [_value(row["measure"], row["expected"]) for row in rows],
            "Distance, limit": [_distance(row) for row in rows],
            "Sessions": [row["n"] for row in rows],
            "Measured at": [wording.day(row["session"]) for row in rows],
            "In words": [row["sentence"] for row in rows],
        },
        hide_index=True,
        column_config={"In words": st.column_config.TextColumn(width="large")},
        key="drift_table",
        alt="Every measure of drift with its limit",
    )


def _name(row: Row) -> str:
    """Such as ``NSE long: 90 % band, last year``."""
    of = " ".join(filter(None, (row["pool"], row["horizon"])))
    return f"{of}: {NAMES.get(row['measure'], row['measure'])}"


def _value(measure: str, value: float | None) -> str:
    if value is None:
        return "–"
    if measure == "feature_shift":
        return wording.number(value)
    return wording.percent(value, 4 if measure == "skill" else 1)


def _distance(row: Row) -> str:
    if row["t"] is None or row["limit_t"] is None:
        return "–"
    return f"{wording.number(row['t'])}, {wording.number(row['limit_t'])}"


def _scoreboard() -> None:
    st.subheader("How logged forecasts turned out", anchor=False)
    logged, outcomes, _ = counts = readers.read_recent(_counts)
    stock = frame.stock()
    rows = [row for row in _scores(counts, None) if row["ticker"] == POOLED]
    if stock:
        rows += [row for row in _scores(counts, stock) if row["ticker"] == stock]
    if not rows:
        st.markdown(
            f"{wording.count(logged, 'forecast')} logged, {wording.count(outcomes, 'outcome')} "
            "known: none of a forecast that was made before its session was over."
        )
        return
    st.markdown(
        f"{wording.count(logged, 'forecast')} logged, {wording.count(outcomes, 'outcome')} known. "
        "Forecasts of one session move together and neighbours overlap: “Independent” says how "
        "many there are that do not. Whether a difference is more than chance stands in Analytics."
    )
    st.dataframe(
        {
            "Of": [row["ticker"] or f"all {row['tickers']}" for row in rows],
            "Horizon": [wording.ahead(row["sessions"]) for row in rows],
            "Model": [f"{wording.model(row['model'])} ({KINDS[row['kind']]})" for row in rows],
            "Forecasts": [row["n"] for row in rows],
            "Independent": [f"{row['n_eff']:.0f}" for row in rows],
            "Skill": [wording.percent(row["skill"], signed=True) for row in rows],
            "Error": [wording.percent(row["mae"]) for row in rows],
            "Error of no change": [wording.percent(row["mae_zero"]) for row in rows],
            **{
                f"{wording.percent(float(level), 0)} held": [
                    wording.percent(row["coverage"].get(level), 1) for row in rows
                ]
                for level in LEVELS
            },
            "Right sign": [wording.percent(row["direction"], 1) for row in rows],
            "Base rate": [wording.percent(row["base_rate"], 1) for row in rows],
        },
        hide_index=True,
        column_config={
            "Forecasts": st.column_config.NumberColumn(format="localized"),
            **{name: st.column_config.Column(help=text) for name, text in HELP.items()},
        },
        key="logged_scores",
        alt="Scores of logged forecasts by model, beside those of no change",
    )


@st.cache_data(max_entries=20, show_spinner="Scoring the forecasts …")
def _scores(counts: tuple[int, int, int], ticker: str | None) -> list[dict[str, Any]]:
    """The scores; the tables only grow, so that as many rows are the same ones."""
    return readers.uncached(_scoreboard_of, ticker)


def _scoreboard_of(connection: Connection, ticker: str | None) -> list[dict[str, Any]]:
    return scoreboard(ScoreLog(connection), ticker)


def _counts(connection: Connection) -> tuple[int, int, int]:
    return ScoreLog(connection).counts()


def _latest_drift(connection: Connection) -> list[dict[str, Any]]:
    return DriftTables(connection).latest()
