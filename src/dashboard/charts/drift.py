"""Draw every measure of drift against its limit."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from src.dashboard import theme as colours

# Times the limit at which the axis ends; what lies beyond is drawn there.
END = 2.0


def distances(rows: Sequence[tuple[str, float, bool]], theme: str) -> go.Figure:
    """How far each measure is from what it should be, where 1 is its limit.

    Args:
        rows: Name, distance over limit, and whether it is bad; the first is drawn on top.
        theme: ``light`` or ``dark``.
    """
    figure = go.Figure(
        go.Scatter(
            x=[min(distance, END) for _, distance, _ in rows],
            y=[name for name, _, _ in rows],
            mode="markers+text",
            marker={
                "size": 12,
                "symbol": ["x" if bad else "circle" for _, _, bad in rows],
                "color": [colours.BAD if bad else colours.GOOD for _, _, bad in rows],
            },
            text=[f"{distance:.2f}" for _, distance, _ in rows],
            textposition="middle right",
            textfont={"color": colours.ink(theme)},
            hovertemplate="%{y}: %{text} times the limit<extra></extra>",
        )
    )
    figure.add_vline(1, line={"color": colours.BASELINE, "width": 2, "dash": "dash"})
    colours.style(figure, theme, height=70 + 34 * len(rows))
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return _axis(figure)


def _axis(figure: go.Figure) -> go.Figure:
    """The axis of distances, on which 1 is the limit."""
    return figure.update_xaxes(
        range=[-0.05, END + 0.25],
        tickvals=[0, 0.5, 1, 1.5, 2],
        ticktext=["as promised", "0.5", "limit", "1.5", "2 and more"],
        title="Distance from what was promised, as a share of the limit",
    )
