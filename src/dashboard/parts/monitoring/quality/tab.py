"""The tab of data quality: its dimensions, its worst stocks, its history, and rows held back."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from src.dashboard import frame, readers, theme, wording
from src.dashboard.charts.quality import quality_history
from src.dashboard.parts.monitoring.links import to_tab
from src.dashboard.parts.monitoring.quality import held_back
from src.dashboard.parts.monitoring.quality.refusals import in_plain_words
from src.db.reconnect import Connection
from src.db.watched.quality import QualityScores

ALL = "All stocks"
ONE = "This stock"
HISTORY, WORST = 250, 10


def draw() -> None:
    """Draw the tab, of all stocks or of the chosen one."""
    stock = frame.stock()
    scope = st.segmented_control(
        "Of", (ONE, ALL), default=ONE, required=True, key="quality_of", bind="query-params"
    )
    ticker = stock if scope == ONE else None
    with frame.block("The quality of data"):
        _scores(ticker)
    with frame.block("The rows held back"):
        held_back.draw(ticker)


def _scores(ticker: str | None) -> None:
    latest = readers.read_recent(_latest)
    row = latest.get(ticker or "")
    of = wording.plain(ticker) if ticker else "all stocks"
    if row is None:
        st.info(f"The data of {of} have not been scored yet: run `python -m mlops.pipeline`.")
        return
    judged = {name: each for name, each in row["dimensions"].items() if each["score"] is not None}
    lowest = min(judged, key=lambda name: float(judged[name]["score"]))
    st.subheader(
        f"Data quality of {of}: {row['score']:.0f} of 100 at {wording.day(row['session'])}, "
        f"lowest in {lowest}",
        anchor=False,
    )
    # The lowest first, what cannot be judged last.
    ordered = sorted(row["dimensions"].items(), key=lambda pair: _height(pair[1]["score"]))
    _dimensions(dict(ordered), of)
    if ticker is None:
        _worst(latest)
    _history(ticker, of)


def _dimensions(dimensions: Mapping[str, Mapping[str, Any]], of: str) -> None:
    st.dataframe(
        {
            "Dimension": [name.capitalize() for name in dimensions],
            "Score": [each["score"] for each in dimensions.values()],
            "Found": [_found(each) for each in dimensions.values()],
            "What would raise it": [_plain(each.get("remedy")) for each in dimensions.values()],
        },
        hide_index=True,
        column_config={"Score": _score_column(), **_wide("Found", "What would raise it")},
        key="quality_dimensions",
        alt=f"The dimensions of the data quality of {of}, each from 0 to 100",
    )


def _worst(latest: Mapping[str, Mapping[str, Any]]) -> None:
    rows = sorted((row for name, row in latest.items() if name), key=lambda row: row["score"])
    rows = rows[:WORST]
    st.markdown(f"**The {len(rows)} lowest of {wording.count(len(latest) - 1, 'stock')}**")
    lowest = [_lowest(row["dimensions"]) for row in rows]
    st.dataframe(
        {
            "Stock": [row["ticker"] for row in rows],
            "Score": [row["score"] for row in rows],
            "Lowest in": [name for name, _ in lowest],
            "Found": [found for _, found in lowest],
        },
        hide_index=True,
        column_config={"Score": _score_column(), **_wide("Found")},
        key="quality_worst",
        alt="The stocks with the lowest scores",
    )
    with st.container(horizontal=True):
        for row in rows[:5]:
            ticker = row["ticker"]
            to_tab(ticker, "Data Quality", f"worst_{ticker}", stock=ticker, quality_of=ONE)


def _lowest(dimensions: Mapping[str, Mapping[str, Any]]) -> tuple[str, str]:
    judged = {name: each for name, each in dimensions.items() if each["score"] is not None}
    name = min(judged, key=lambda each: float(judged[each]["score"]))
    return name, _found(judged[name])


def _found(dimension: Mapping[str, Any]) -> str:
    return _plain(dimension.get("found")) or "Nothing is wrong."


def _plain(text: str | None) -> str:
    """In plain words, without the marks of code, which a table shows."""
    return in_plain_words((text or "").replace("`", ""))


def _height(score: float | None) -> float:
    return math.inf if score is None else score


def _history(ticker: str | None, of: str) -> None:
    history: Sequence[tuple[dt.date, float]] = readers.read_recent(_past, ticker or "", HISTORY)
    if len(history) < 2:
        st.markdown(":gray[Its history begins with the score of a second session.]")
        return
    limit = readers.settings().monitoring.quality_alert_below
    theme.show(
        quality_history(history, limit, theme.kind()),
        key="quality_history",
        alt=f"Score of the data quality of {of} over {len(history)} sessions: from "
        f"{history[0][1]:.0f} to {history[-1][1]:.0f} of 100",
    )


def _score_column() -> Any:
    return st.column_config.ProgressColumn(min_value=0, max_value=100, format="%.0f")


def _wide(*names: str) -> dict[str, Any]:
    return {name: st.column_config.TextColumn(width="large") for name in names}


def _latest(connection: Connection) -> dict[str, dict[str, Any]]:
    return QualityScores(connection).latest()


def _past(connection: Connection, ticker: str, sessions: int) -> list[tuple[dt.date, float]]:
    rows = QualityScores(connection).history(ticker, sessions)
    return [(row["session"], row["score"]) for row in rows]
