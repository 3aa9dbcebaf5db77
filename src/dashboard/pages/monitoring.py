"""The page that says what is wrong, since when, and what to do."""

from __future__ import annotations

import streamlit as st

from src.dashboard import frame, readers
from src.dashboard.parts.monitoring import (
    alert_board,
    alerts,
    evaluation,
    health,
    logs,
    quality,
    runs,
)

TABS = ("Pipeline Runs", "System Health", "Logs", "Data Quality", "Evaluation")


def page() -> None:
    """Draw the page."""
    board = alert_board.current()
    cards = alert_board.arrange(board, readers.now())
    nothing = "Nothing is firing" if health.is_watched() else "Nobody watches for alerts"
    st.header(alert_board.headline(cards) or nothing, anchor=False)
    st.markdown(health.watch_sentence())
    history, state, log, data, forecasts = st.tabs(
        TABS, default="System Health", key="tab", bind="query-params"
    )
    with history:
        if history.open:
            with frame.block("The history of runs"):
                runs.draw()
    with state:
        if state.open:
            with frame.block("The list of alerts"):
                alerts.draw(cards, board)
            with frame.block("The status"):
                health.draw()
    with log:
        if log.open:
            with frame.block("The log"):
                logs.draw()
    with data:
        if data.open:
            quality.draw()
    with forecasts:
        if forecasts.open:
            evaluation.draw()


if __name__ == "__main__":
    page()
