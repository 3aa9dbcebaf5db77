"""Draw how the skill of forecasts has moved, and how much evidence it rested on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from src.core.arrays import Bools, Floats
from src.dashboard import theme, wording
from src.dashboard.charts import sessions
from src.dashboard.charts.marks import add_marks
from src.db.pages.marks import Mark
from src.modeling.report.statistics.measures import MIN_PERIODS
from src.modeling.report.statistics.rolling import RollingSkill

HEIGHT = 380
# The band is drawn up to so many times its usual width: early ones are wide as the sky.
CLIP = 1.6


def skill_over_time(
    rolled: RollingSkill, days: Sequence[dt.date], marks: Sequence[Mark], look: str
) -> go.Figure:
    """Skill with its 95 % band above, the independent periods of each window below.

    Args:
        rolled: At each of ``days``.
        days: Sessions, ascending.
        marks: What happened meanwhile.
        look: ``light`` or ``dark``.
    """
    figure = go.Figure()
    x = np.arange(len(days))
    limit = clip_limit(rolled)
    _band(figure, x, rolled, limit)
    hover = _hover(days, rolled)
    enough = rolled.n_eff >= MIN_PERIODS
    for chosen, dash, colour in ((~enough, "dot", theme.HISTORY), (enough, "solid", theme.MODEL)):
        _line(figure, x, np.where(chosen, rolled.value, np.nan), (dash, colour), hover)
    _periods(figure, x, rolled)
    theme.style(figure, look, height=HEIGHT)
    _baseline(figure, len(days), limit)
    _axes(figure, days, limit)
    _axis_of_periods(figure, rolled)
    return add_marks(figure, marks, days)


def clip_limit(rolled: RollingSkill) -> float:
    """The largest skill that is drawn: all of the line, and the band where it is of usual width."""
    ends = np.abs(np.concatenate([rolled.low, rolled.high]))
    usual = CLIP * float(np.median(ends[np.isfinite(ends)])) if np.isfinite(ends).any() else 0.0
    line = np.abs(rolled.value[(rolled.n_eff >= MIN_PERIODS) & np.isfinite(rolled.value)])
    return max(usual, 1.1 * float(line.max(initial=0.0)), 1e-4)


def is_clipped(rolled: RollingSkill) -> bool:
    """Whether some of the band or of the line lies outside the chart."""
    every = np.concatenate([rolled.value, rolled.low, rolled.high])
    return bool((np.abs(every[np.isfinite(every)]) > clip_limit(rolled)).any())


def _band(figure: go.Figure, x: np.ndarray, rolled: RollingSkill, limit: float) -> None:
    known: Bools = np.isfinite(rolled.low)
    for values, fill in ((rolled.low, None), (rolled.high, "tonexty")):
        figure.add_scatter(
            x=x[known],
            y=np.round(100 * np.clip(values[known], -limit, limit), 4),
            mode="lines",
            line={"width": 0, "color": theme.MODEL},
            fill=fill,
            fillcolor="rgba(43,131,198,0.22)",
            hoverinfo="skip",
        )


def _hover(days: Sequence[dt.date], rolled: RollingSkill) -> list[str]:
    """What is said of each session: its day, the range, and what that rests on."""
    ranges = [
        f"95 % range {100 * low:+.2f} to {100 * high:+.2f} %"
        if np.isfinite(low)
        else "no range yet"
        for low, high in zip(rolled.low, rolled.high, strict=True)
    ]
    return [
        f"{wording.day(day)}<br>{span}, {n:.1f} independent"
        for day, span, n in zip(days, ranges, rolled.n_eff, strict=True)
    ]


def _line(
    figure: go.Figure, x: np.ndarray, values: Floats, style: tuple[str, str], hover: Sequence[str]
) -> None:
    dash, colour = style
    figure.add_scatter(
        x=x,
        y=np.round(100 * values, 4),
        mode="lines",
        line={"dash": dash, "color": colour, "width": 2},
        customdata=hover,
        hovertemplate="%{y:+.2f} %<br>%{customdata}<extra></extra>",
    )


def _periods(figure: go.Figure, x: np.ndarray, rolled: RollingSkill) -> None:
    """The independent periods of each window, below the skill."""
    figure.add_scatter(
        x=x,
        y=np.round(rolled.n_eff, 2),
        yaxis="y2",
        mode="lines",
        fill="tozeroy",
        line={"color": theme.HISTORY, "width": 1},
        hoverinfo="skip",
    )


def _baseline(figure: go.Figure, days: int, limit: float) -> None:
    """The line of no change, and what lies on either side of it."""
    figure.add_shape(
        type="line",
        x0=0,
        x1=max(days - 1, 1),
        y0=0,
        y1=0,
        line={"color": theme.BASELINE, "width": 2, "dash": "dash"},
    )
    for text, y, anchor in (("▲ better", limit, "top"), ("▼ worse", -limit, "bottom")):
        figure.add_annotation(
            x=1,
            xref="paper",
            xanchor="right",
            y=100 * y,
            yanchor=anchor,
            showarrow=False,
            text=text,
        )


def _axes(figure: go.Figure, days: Sequence[dt.date], limit: float) -> None:
    places, labels = sessions.ticks(days)
    figure.update_layout(
        xaxis={
            "tickvals": places,
            "ticktext": labels,
            "anchor": "y2",
            "showgrid": False,
            "zeroline": False,
        },
        yaxis={
            "domain": [0.28, 1],
            "title": {"text": "skill (%)"},
            "range": [-100 * limit, 100 * limit],
            "zeroline": False,
        },
    )


def _axis_of_periods(figure: go.Figure, rolled: RollingSkill) -> None:
    ink = {"color": figure.layout.font.color, "size": 12}
    figure.update_layout(
        yaxis2={
            "domain": [0, 0.18],
            "title": {"text": "indep.", "font": ink},
            "range": [0, 1.15 * float(np.nanmax(rolled.n_eff, initial=1.0))],
            "fixedrange": True,
            "nticks": 3,
            "gridcolor": figure.layout.yaxis.gridcolor,
            "tickfont": ink,
            "automargin": True,
        },
    )
