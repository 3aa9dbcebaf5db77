"""Drift: how far what was measured is from what was promised, against its limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from src.dashboard import readers, theme, wording
from src.dashboard.charts.drift import distances
from src.db.reconnect import Connection
from src.db.watched.drift import DriftTables

Row = Mapping[str, Any]

NAMES = {
    "skill": "skill against no change",
    "coverage": "90 % band, last quarter",
    "coverage_year": "90 % band, last year",
    "early_coverage": "90 % band, by the first month",
    "feature_shift": "shift of features",
}
STATES = {True: "✕ beyond its limit", False: "✓ within its limit", None: "– too few outcomes"}


def draw() -> None:
    """What is beyond its limit in a heading, the distances as a chart, and every measure."""
    rows = readers.read_recent(_latest)
    if not rows:
        st.subheader("Drift has not been measured yet", anchor=False)
        st.markdown("A run of all stocks measures it once outcomes of forecasts are known.")
        return
    st.subheader(_headline(rows), anchor=False)
    _chart(rows)
    _table(rows)


def _headline(rows: Sequence[Row]) -> str:
    bad = sum(row["bad"] is True for row in rows)
    known = sum(row["bad"] is not None for row in rows)
    many = wording.count(bad, "measure is", "measures are")
    head = f"{many} beyond the limit" if bad else "No measure of drift is beyond its limit"
    return f"{head}, of {known} with enough outcomes"


def _chart(rows: Sequence[Row]) -> None:
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


def _table(rows: Sequence[Row]) -> None:
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


def _latest(connection: Connection) -> list[dict[str, Any]]:
    return DriftTables(connection).latest()
