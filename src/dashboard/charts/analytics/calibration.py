"""Draw how far the share of outcomes inside each interval is from the share that it promises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from src.dashboard import theme, wording
from src.modeling.report.statistics.measures import Measure

HEIGHT = 330


def distance_from_aim(coverage: Mapping[float, Measure], look: str) -> go.Figure:
    """A dot for each interval, with its 95 % range; red and ✕ where the aim lies outside.

    Args:
        coverage: Share of outcomes inside, by the share that the interval promises.
        look: ``light`` or ``dark``.
    """
    figure = go.Figure()
    shares = sorted(share for share, measure in coverage.items() if measure.value is not None)
    for row, share in enumerate(shares):
        _interval(figure, row, share, coverage[share])
    theme.style(figure, look, height=HEIGHT)
    _aim(figure, len(shares), look)
    _axes(figure, shares, coverage)
    return figure


def _aim(figure: go.Figure, rows: int, look: str) -> None:
    """The line at the aim, and what lies on either side of it."""
    figure.add_shape(
        type="line",
        x0=0,
        x1=0,
        y0=-0.6,
        y1=rows - 0.4,
        line={"color": theme.ink(look), "width": 1.5},
    )
    for text, anchor, shift in (("◂ too narrow", "right", -2), ("too wide ▸", "left", 2)):
        figure.add_annotation(
            x=0, xshift=shift, y=rows - 0.25, text=text, xanchor=anchor, showarrow=False
        )


def _axes(figure: go.Figure, shares: Sequence[float], coverage: Mapping[float, Measure]) -> None:
    widest = max([6.0, *(abs(end) for share in shares for end in _ends(share, coverage[share]))])
    figure.update_xaxes(
        title_text="points away from the aim", range=[-1.1 * widest, 1.1 * widest], zeroline=False
    )
    figure.update_yaxes(
        tickvals=list(range(len(shares))),
        ticktext=[
            f"<b>{wording.percent(share, 0)} band</b><br>"
            f"held {wording.percent(coverage[share].value, 1)}"
            for share in shares
        ],
        range=[-0.6, len(shares) - 0.1],
        showgrid=False,
        zeroline=False,
    )


def keeps_its_promise(share: float, measure: Measure) -> bool:
    """Whether the aim lies in the 95 % range, or no range is known that could exclude it."""
    if measure.low is None or measure.high is None:
        return True
    return measure.low <= share <= measure.high


def _interval(figure: go.Figure, row: int, share: float, measure: Measure) -> None:
    kept = keeps_its_promise(share, measure)
    colour = theme.MODEL if kept else theme.BAD
    low, value, high = _ends(share, measure)
    if measure.low is not None:
        figure.add_scatter(
            x=[low, high],
            y=[row, row],
            mode="lines",
            line={"color": colour, "width": 9},
            opacity=0.4,
            hoverinfo="skip",
        )
    figure.add_scatter(
        x=[value],
        y=[row],
        mode="markers",
        marker={
            "color": colour,
            "size": 12,
            "symbol": "circle" if kept else "x",
        },
        hovertemplate=f"{value:+.1f} points, {measure.n:,} outcomes, "
        f"worth {measure.n_eff:.1f} independent ones<extra></extra>",
    )


def _ends(share: float, measure: Measure) -> tuple[float, float, float]:
    """Low, value and high as points of percent from the aim; equal without a range."""
    value = 100 * ((measure.value or 0.0) - share)
    if measure.low is None or measure.high is None:
        return value, value, value
    return 100 * (measure.low - share), value, 100 * (measure.high - share)
