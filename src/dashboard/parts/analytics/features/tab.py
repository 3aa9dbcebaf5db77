"""What the features of a stock are, where they stand in their own history, and what they do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from src.dashboard import readers, theme, wording
from src.dashboard.charts.analytics import features as charts
from src.dashboard.judged import Judged
from src.dashboard.parts.analytics import numbers
from src.dashboard.parts.analytics.choices import choice
from src.dashboard.parts.analytics.features.pool_history import pool_history
from src.dashboard.parts.analytics.features.rows import (
    COLUMNS,
    GROUPS,
    SESSIONS,
    FeatureRow,
    contributions_of,
    feature_rows,
    place_of,
)
from src.db.pages import analytics
from src.db.pages.analytics import FeatureHistory
from src.features import catalogue

# Points of the small lines in the table.
SPARK = 60


def draw(ticker: str, pool: str, horizon: str, judged: Judged | None) -> None:
    """The tab."""
    history = readers.read(analytics.feature_history, ticker, SESSIONS)
    if history is None:
        st.info(f"No features of {ticker} are stored: run the pipeline.", icon=":material/inbox:")
        return
    parts = contributions_of(ticker, horizon, judged) if judged is not None else {}
    rows = feature_rows(ticker, horizon, history, parts)
    _contributions(ticker, judged, parts)
    chosen = _table(ticker, rows, history)
    if chosen is not None:
        _history(ticker, pool, history, chosen)


def _contributions(ticker: str, judged: Judged | None, parts: dict[str, float]) -> None:
    """What the model's forecast of now is made of."""
    st.subheader("What is the model's forecast made of?", anchor=False)
    if judged is None:
        st.markdown("No model has been trained yet.")
        return
    name = judged.candidate.replace("_", " ")
    if not parts:
        st.markdown(
            f"{name.capitalize()} has no forecast of {ticker} to take apart: an input is not "
            "known, or the stock's newest price is older than that of its pool."
        )
        return
    total = sum(parts.values())
    st.markdown(
        f"{name.capitalize()} says {wording.percent(total, 3, signed=True)} over "
        f"{wording.ahead(judged.sessions)}: the sum of these parts. They say how the number is "
        "made, not what moves the price; whether it is worth anything is the sentence above."
    )
    bars = charts.largest(parts)
    theme.show(
        charts.contribution_bars(bars, theme.kind()),
        key="contributions",
        alt="; ".join(f"{name} {wording.percent(part, 3, signed=True)}" for name, part in bars),
    )


def _table(ticker: str, rows: Sequence[FeatureRow], history: FeatureHistory) -> str | None:
    """Every feature with its description and place in its own history; the one that is chosen."""
    st.subheader("Every feature, in words", anchor=False)
    group = choice("Show", GROUPS, "features")
    shown = [row for row in rows if row.group == group]
    st.markdown(_explained(group, history))
    if group == COLUMNS:
        st.markdown(":small[:gray[No model sees these columns; models read the inputs.]]")
    numbers.toolbar_room()
    st.dataframe(
        [_row(row, history) for row in shown],
        hide_index=True,
        key=f"features-{group}",
        height="auto" if len(shown) < 12 else 460,
        column_config=_config(shown, has_parts=any(row.part is not None for row in shown)),
        alt=f"Features of {ticker}: description, value and place in their own history",
    )
    kept = {*history.columns, *history.inputs, *(f.name for f in catalogue.model_features())}
    names = [row.name for row in shown if row.value is not None and row.name in kept]
    return st.selectbox("History of", names, key="feature", width=320) if names else None


def _explained(group: str, history: FeatureHistory) -> str:
    if group in GROUPS[:2]:
        return (
            f"As of {wording.day(history.days[-1])}. The place is the share of the stock's last "
            f"{wording.count(len(history.days), 'session')} with a smaller value: 50 % is usual, "
            "near 0 or 100 % is rare."
        )
    return (
        "A rank says where the stock stands among the others of its pool today, from −0.5 "
        "(lowest) to 0.5 (highest); the market's state is the same for all of them."
    )


def _row(row: FeatureRow, history: FeatureHistory) -> dict[str, Any]:
    out: dict[str, Any] = {
        "Feature": row.name,
        "Value": None if row.value is None else float(f"{row.value:.4g}"),
        "Place": row.place,
        "What it is": row.description,
        # In percent, and no zero with a sign.
        "Part": None if row.part is None else round(100 * row.part, 4) + 0.0,
    }
    if row.place is not None:
        out["Lately"] = [
            float(value) for value in history.of(row.name)[-SPARK:] if np.isfinite(value)
        ]
    return out


def _config(rows: Sequence[FeatureRow], *, has_parts: bool) -> dict[str, Any]:
    has_place = any(row.place is not None for row in rows)
    column = st.column_config
    return {
        "Feature": column.TextColumn(pinned=True, width=150),
        "Value": column.NumberColumn(width="small"),
        "Place": column.ProgressColumn(format="percent", min_value=0, max_value=1)
        if has_place
        else None,
        "What it is": column.TextColumn(width=560),
        "Part": column.NumberColumn(
            "Part of forecast (%)", format="%.4f", help="What it adds to the forecast return."
        )
        if has_parts
        else None,
        "Lately": column.LineChartColumn(f"Last {SPARK} sessions") if has_place else None,
    }


def _history(ticker: str, pool: str, history: FeatureHistory, chosen: str) -> None:
    """One feature over time, with the range of its middle nine tenths."""
    if chosen in (*history.columns, *history.inputs):
        days, values = history.days, history.of(chosen)
    else:
        days, values = pool_history(ticker, pool, chosen, history.days[-1], readers.version())
    theme.show(
        charts.history_line(days, values, chosen, theme.kind()),
        key="feature-history",
        alt=f"{chosen} of {ticker} over the last {len(days)} sessions",
    )
    place = place_of(values)
    above = f"It is above {wording.percent(place, 0)} of them. " if place is not None else ""
    st.markdown(
        f":small[:gray[The last {wording.count(len(days), 'session')}. {above}The shaded range "
        "held nine tenths of them; the ring is the newest value.]]"
    )
