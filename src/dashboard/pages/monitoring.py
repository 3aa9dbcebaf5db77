"""The page that says what is wrong, since when, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from src.dashboard import frame, readers
from src.dashboard.parts.monitoring import health, runs
from src.dashboard.parts.monitoring.alerts import alert_board, cards
from src.dashboard.parts.monitoring.alerts.alert_board import Board, Card
from src.dashboard.parts.monitoring.evaluation import tab as evaluation
from src.dashboard.parts.monitoring.logs import tab as logs
from src.dashboard.parts.monitoring.quality import tab as quality


def page() -> None:
    """Draw the page; tabs that are closed are not computed."""
    board = alert_board.current()
    arranged = alert_board.arrange(board, readers.now())
    nothing = "Nothing is firing" if health.is_watched() else "Nobody watches for alerts"
    st.header(alert_board.headline(arranged) or nothing, anchor=False)
    st.markdown(health.watch_sentence())
    draw: dict[str, Callable[[], None]] = {
        "Pipeline Runs": _runs,
        "System Health": partial(_health, arranged, board),
        "Logs": _logs,
        "Data Quality": quality.draw,
        "Evaluation": evaluation.draw,
    }
    tabs = st.tabs(list(draw), default="System Health", key="tab", bind="query-params")
    for tab, draw_it in zip(tabs, draw.values(), strict=True):
        if tab.open:
            with tab:
                draw_it()


def _runs() -> None:
    with frame.block("The history of runs"):
        runs.draw()


def _health(arranged: Sequence[Card], board: Board) -> None:
    with frame.block("The list of alerts"):
        cards.draw(arranged, board)
    with frame.block("The status"):
        health.draw()


def _logs() -> None:
    with frame.block("The log"):
        logs.draw()


if __name__ == "__main__":
    page()
