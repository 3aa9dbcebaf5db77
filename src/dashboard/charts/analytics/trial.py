"""Draw what is known of the difference between a challenger and its reference, look by look."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from src.core.arrays import Floats
from src.dashboard import theme, wording
from src.dashboard.charts import sessions

HEIGHT = 380
# The chart is so many times as high as the band usually is: early ones are wide as the sky.
CLIP = 1.6


@dataclass(frozen=True, eq=False)
class Differences:
    """The difference of mean losses by session, as shares of the reference's; above zero is better.

    Attributes:
        days: Sessions with outcomes, ascending; (T,).
        mean: The reference's loss less the challenger's, over all sessions so far; NaN if unknown.
        low: Lower end of what it may be in truth, at every look together.
        high: Upper end.
        looks: Sessions of ``days`` at which it was looked at.
        effect: The smallest that matters.
        loss: Its name, such as ``error``.
        ending: How the trial ended, in words with a symbol; empty while it runs.
    """

    days: Sequence[dt.date]
    mean: Floats
    low: Floats
    high: Floats
    looks: Sequence[dt.date]
    effect: float
    loss: str
    ending: str

    @property
    def limit(self) -> float:
        """The largest difference that the chart has room for."""
        ends = np.abs(np.concatenate([self.low, self.high]))
        usual = CLIP * float(np.median(ends[np.isfinite(ends)])) if np.isfinite(ends).any() else 0.0
        later = np.abs(self.mean[len(self.mean) // 2 :])
        line = 1.1 * float(np.nanmax(later, initial=0.0))
        return max(usual, line, 1.6 * self.effect)

    @property
    def is_clipped(self) -> bool:
        """Whether some of the band or of the line lies outside the chart."""
        every = np.concatenate([self.mean, self.low, self.high])
        return bool((np.abs(every[np.isfinite(every)]) > self.limit).any())


def difference_by_session(shown: Differences, look: str) -> go.Figure:
    """The mean difference with its band over sessions, the looks as rings, the ending marked.

    Args:
        shown: At least one session.
        look: ``light`` or ``dark``.
    """
    figure = go.Figure()
    x = np.arange(len(shown.days))
    limit = shown.limit
    _too_small(figure, shown.effect)
    _band(figure, x, shown)
    _line(figure, x, shown)
    theme.style(figure, look, height=HEIGHT)
    _zero(figure, limit)
    _ending(figure, shown, look)
    _axes(figure, shown, limit)
    return figure


def _too_small(figure: go.Figure, effect: float) -> None:
    """The strip of differences that do not matter, between dotted lines."""
    ends = {"y0": -100 * effect, "y1": 100 * effect}
    figure.add_hrect(**ends, fillcolor=theme.HISTORY, opacity=0.14, line_width=0, layer="below")
    for y in ends.values():
        figure.add_hline(y, line={"color": theme.HISTORY, "width": 1, "dash": "dot"})


def _band(figure: go.Figure, x: np.ndarray, shown: Differences) -> None:
    known = np.isfinite(shown.low) & np.isfinite(shown.high)
    for values, fill in ((shown.low, None), (shown.high, "tonexty")):
        figure.add_scatter(
            x=x[known],
            y=np.round(100 * values[known], 4),
            mode="lines+markers" if known.sum() == 1 else "lines",
            line={"width": 1, "color": theme.MODEL},
            fill=fill,
            fillcolor="rgba(43,131,198,0.22)",
            hoverinfo="skip",
        )


def _line(figure: go.Figure, x: np.ndarray, shown: Differences) -> None:
    hover = [
        f"{wording.day(day)}<br>{wording.percent_range(low, high, 3)}"
        if np.isfinite(low + high)
        else f"{wording.day(day)}<br>no range yet"
        for day, low, high in zip(shown.days, shown.low, shown.high, strict=True)
    ]
    y = np.round(100 * shown.mean, 4)
    looked = np.isin(np.array(shown.days, dtype="datetime64[D]"), np.array(shown.looks, "M8[D]"))
    for values, mode in ((y, "lines"), (np.where(looked, y, np.nan), "markers")):
        figure.add_scatter(
            x=x,
            y=values,
            mode=mode,
            line={"color": theme.MODEL, "width": 2},
            marker={"color": theme.MODEL, "size": 8, "symbol": "circle-open", "line_width": 2},
            customdata=hover,
            hovertemplate="%{y:+.3f} %<br>%{customdata}<extra></extra>",
        )


def _zero(figure: go.Figure, limit: float) -> None:
    """The line of no difference, and what lies on either side of it."""
    figure.add_hline(0, line={"color": theme.BASELINE, "width": 2, "dash": "dash"})
    for text, y, anchor in (("▲ better", limit, "top"), ("▼ worse", -limit, "bottom")):
        figure.add_annotation(
            x=0,
            xref="paper",
            xanchor="left",
            y=100 * y,
            yanchor=anchor,
            showarrow=False,
            text=text,
        )


def _ending(figure: go.Figure, shown: Differences, look: str) -> None:
    if not shown.ending:
        return
    ink = theme.ink(look)
    figure.add_vline(len(shown.days) - 1, line={"color": ink, "width": 2, "dash": "dot"})
    figure.add_annotation(
        x=len(shown.days) - 1,
        xanchor="right",
        xshift=-4,
        y=1,
        yref="paper",
        yanchor="top",
        showarrow=False,
        text=shown.ending,
        font={"color": ink},
    )


def _axes(figure: go.Figure, shown: Differences, limit: float) -> None:
    places, labels = sessions.ticks(shown.days)
    figure.update_xaxes(
        tickvals=places, ticktext=labels, showgrid=False, zeroline=False, title_text="session"
    )
    figure.update_yaxes(
        title_text=f"smaller {shown.loss} (%)", range=[-100 * limit, 100 * limit], zeroline=False
    )
