"""Draw the parts of a forecast, and one feature over time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go

from src.core.arrays import Singles
from src.dashboard import theme, wording
from src.dashboard.charts import sessions

MOST_PARTS = 12
ROW, FRAME = 24, 60


def largest(parts: Mapping[str, float]) -> list[tuple[str, float]]:
    """The largest parts first, and what is left of the others in one."""
    ranked = sorted(parts.items(), key=lambda part: -abs(part[1]))
    shown, rest = ranked[:MOST_PARTS], ranked[MOST_PARTS:]
    if not rest:
        return shown
    return [*shown, (f"{len(rest)} others together", sum(part for _, part in rest))]


def contribution_bars(parts: Sequence[tuple[str, float]], look: str) -> go.Figure:
    """A bar for each part, the first on top; what raises and what lowers point to either side."""
    figure = go.Figure()
    figure.add_bar(
        x=[100 * value for _, value in parts],
        y=[escape(name) for name, _ in parts],
        orientation="h",
        marker={"color": [theme.MODEL if value > 0 else theme.BASELINE for _, value in parts]},
        text=[f"{100 * value:+.3f}" for _, value in parts],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:+.4f} %<extra></extra>",
    )
    theme.style(figure, look, height=FRAME + ROW * len(parts))
    widest = max((abs(100 * value) for _, value in parts), default=1.0) or 1.0
    figure.update_xaxes(
        title_text="part of the forecast return (%)", range=[-1.6 * widest, 1.6 * widest]
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure


def history_line(days: Sequence[dt.date], values: Singles, name: str, look: str) -> go.Figure:
    """A feature over time, the range of its middle nine tenths shaded, the newest value ringed."""
    figure = go.Figure()
    _usual_range(figure, values)
    figure.add_scatter(
        x=np.arange(len(days)),
        y=values,
        mode="lines",
        line={"color": theme.HISTORY, "width": 1.5},
        customdata=[wording.day(day) for day in days],
        hovertemplate="%{y:.4g}<br>%{customdata}<extra></extra>",
    )
    figure.add_scatter(
        x=[len(days) - 1],
        y=values[-1:],
        mode="markers",
        marker={"color": theme.MODEL, "size": 11, "symbol": "circle-open", "line": {"width": 3}},
        cliponaxis=False,
        hoverinfo="skip",
    )
    theme.style(figure, look, height=280)
    places, labels = sessions.ticks(days)
    figure.update_xaxes(tickvals=places, ticktext=labels, showgrid=False, zeroline=False)
    figure.update_yaxes(title_text=escape(name))
    return figure


def _usual_range(figure: go.Figure, values: Singles) -> None:
    known = values[np.isfinite(values)]
    if known.size:
        low, high = np.quantile(known, [0.05, 0.95])
        figure.add_hrect(
            y0=float(low), y1=float(high), fillcolor=theme.MODEL, opacity=0.15, line_width=0
        )
