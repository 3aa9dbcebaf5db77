"""Colours that are told apart on light and dark, and the frame that all charts share."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import streamlit as st

# Each has 3:1 and more on both backgrounds; model and baseline differ for every kind of eye.
MODEL, BASELINE, HISTORY, BAD, GOOD = "#2B83C6", "#C26A12", "#77818C", "#CF4B40", "#2E8B63"
# Text in charts, which has 4.5:1 and more, and lines of the grid.
_TEXT = {"light": "#56616E", "dark": "#A9B4C0"}
_INK = {"light": "#1B2430", "dark": "#E6EBF0"}
_PAPER = {"light": "#FFFFFF", "dark": "#12171E"}
_GRID = {"light": "#E3E7EC", "dark": "#2A333E"}
# As the rest of the page.
_FAMILY = "Source Sans, sans-serif"
# The background of the dark theme, as in .streamlit/config.toml.
_DARK = "#12171E"
# Without buttons: on a phone they cover the chart, and every number stands in a table.
CONFIG = {"displayModeBar": False, "displaylogo": False}


def kind() -> str:
    """The theme that is shown, ``light`` or ``dark``."""
    return "dark" if st.context.theme.type == "dark" else "light"


def style(figure: go.Figure, theme: str, *, height: int) -> go.Figure:
    """The figure with the fonts, margins and axes of every chart; it cannot be dragged or zoomed.

    Args:
        figure: Changed, and returned.
        theme: ``light`` or ``dark``.
        height: In pixels.
    """
    font = {"color": _TEXT[theme], "size": 12, "family": _FAMILY}
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font=font,
        dragmode=False,
        showlegend=False,
        hoverlabel={"font": {"size": 12}},
    )
    axis = {
        "fixedrange": True,
        "gridcolor": _GRID[theme],
        "zerolinecolor": _GRID[theme],
        "tickfont": font,
        "title": {"font": font},
        "automargin": True,
    }
    figure.update_xaxes(**axis)
    figure.update_yaxes(**axis)
    return figure


def mend_buttons() -> None:
    """Write dark on the light primary buttons of the dark theme: white has too little contrast."""
    if kind() == "dark":
        st.html(f"<style>button[kind^=primary]:not(:disabled) p {{color: {_DARK}}}</style>")


def ink(theme: str) -> str:
    """The colour of text that must stand out in a chart."""
    return _INK[theme]


def paper(theme: str) -> str:
    """The colour of the page, for what must be seen through."""
    return _PAPER[theme]


def show(figure: go.Figure, *, key: str, alt: str) -> Any:
    """Draw a chart in the colours it was made with; ``alt`` says in words what it shows."""
    return st.plotly_chart(figure, theme=None, key=key, config=CONFIG, alt=alt)
