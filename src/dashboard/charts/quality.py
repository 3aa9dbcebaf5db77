"""Draw how the score of data quality went, session by session."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import plotly.graph_objects as go

from src.dashboard import theme as colours
from src.dashboard import wording
from src.dashboard.charts import sessions


def quality_history(
    scores: Sequence[tuple[dt.date, float]], alert_below: float, theme: str
) -> go.Figure:
    """Scores from 0 to 100 by session, and the line below which there is an alert.

    Args:
        scores: By session, in order; at least one.
        alert_below: The line.
        theme: ``light`` or ``dark``.
    """
    days = [day for day, _ in scores]
    figure = go.Figure(
        go.Scatter(
            x=list(range(len(scores))),
            y=[score for _, score in scores],
            mode="lines+markers" if len(scores) < 40 else "lines",
            line={"color": colours.MODEL, "width": 2},
            marker={"size": 6},
            customdata=[wording.day(day) for day in days],
            hovertemplate="%{customdata}: %{y:.0f} of 100<extra></extra>",
        )
    )
    _alert_line(figure, alert_below, theme)
    colours.style(figure, theme, height=220)
    places, labels = sessions.ticks(days)
    figure.update_xaxes(tickvals=places, ticktext=labels)
    figure.update_yaxes(range=[0, 103], title="Score, of 100")
    return figure


def _alert_line(figure: go.Figure, at: float, theme: str) -> None:
    figure.add_hline(
        at,
        line={"color": colours.BAD, "width": 1, "dash": "dash"},
        annotation={"text": f"alert below {at:g}", "font": {"color": colours.ink(theme)}},
        annotation_position="bottom left",
    )
