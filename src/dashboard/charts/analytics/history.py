"""Draw forecast returns with their band and what came true, the misses marked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from src.core.arrays import Bools, Floats
from src.dashboard import theme, wording
from src.dashboard.charts import sessions
from src.dashboard.charts.marks import add_marks
from src.db.pages.marks import Mark

HEIGHT = 420
MOST_POINTS = 1_500


@dataclass(frozen=True, eq=False)
class PastForecasts:
    """Forecasts of one stock with their outcomes, by the session that they were about; (M,) each.

    Attributes:
        days: Ascending.
        actual: Realised simple returns.
        point: Forecast ones.
        low: Lower end of the band, NaN where it is not known.
        high: Its upper end.
    """

    days: Sequence[dt.date]
    actual: Floats
    point: Floats
    low: Floats
    high: Floats

    @property
    def missed(self) -> Bools:
        """Where the outcome fell outside a known band."""
        return (self.actual < self.low) | (self.actual > self.high)

    @property
    def known(self) -> int:
        """How many forecasts have a band."""
        return int(np.isfinite(self.low + self.high).sum())

    def latest(self, count: int = MOST_POINTS) -> PastForecasts:
        """The latest of them."""
        return PastForecasts(
            self.days[-count:],
            self.actual[-count:],
            self.point[-count:],
            self.low[-count:],
            self.high[-count:],
        )


def actual_and_predicted(
    past: PastForecasts, share: float, marks: Sequence[Mark], look: str
) -> go.Figure:
    """The band and the forecast as lines, outcomes as dots, misses as crosses.

    Args:
        past: At most 1,500 of them.
        share: What the band promises to hold.
        marks: What happened meanwhile.
        look: ``light`` or ``dark``.
    """
    figure = go.Figure()
    x = np.arange(len(past.days))
    days = [wording.day(day) for day in past.days]
    _band(figure, x, past, f"{wording.percent(share, 0)} band")
    _outcomes(figure, x, past, days)
    figure.add_scatter(
        x=x,
        y=np.round(100 * past.point, 3),
        mode="lines",
        name="predicted",
        line={"color": theme.MODEL, "width": 2},
        customdata=days,
        hovertemplate="predicted %{y:+.2f} %<br>%{customdata}<extra></extra>",
    )
    theme.style(figure, look, height=HEIGHT)
    _axes(figure, past.days)
    return add_marks(figure, marks, past.days)


def _band(figure: go.Figure, x: np.ndarray, past: PastForecasts, name: str) -> None:
    for values, fill in ((past.low, None), (past.high, "tonexty")):
        figure.add_scatter(
            x=x,
            y=np.round(100 * values, 3),
            mode="lines",
            name=name,
            line={"width": 0, "color": theme.MODEL, "shape": "hvh"},
            fill=fill,
            fillcolor="rgba(43,131,198,0.22)",
            hoverinfo="skip",
            showlegend=fill is not None,
        )


def _axes(figure: go.Figure, days: Sequence[dt.date]) -> None:
    """Axes, and the legend above them."""
    places, labels = sessions.ticks(days)
    figure.update_xaxes(
        tickvals=places,
        ticktext=labels,
        showgrid=False,
        zeroline=False,
        title_text="session that the forecast was about",
    )
    figure.update_yaxes(title_text="return (%)")
    figure.update_layout(
        showlegend=True,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        margin={"t": 36},
    )


def _outcomes(figure: go.Figure, x: np.ndarray, past: PastForecasts, days: Sequence[str]) -> None:
    missed = past.missed
    shown = np.array(days)
    for chosen, name, symbol, colour, size in (
        (~missed, "actual", "circle", theme.HISTORY, 4),
        (missed, "actual, outside the band", "x", theme.BAD, 7),
    ):
        figure.add_scatter(
            x=x[chosen],
            y=np.round(100 * past.actual[chosen], 3),
            mode="markers",
            name=name,
            marker={"color": colour, "size": size, "symbol": symbol},
            customdata=shown[chosen],
            hovertemplate="actual %{y:+.2f} %<br>%{customdata}<extra></extra>",
        )
