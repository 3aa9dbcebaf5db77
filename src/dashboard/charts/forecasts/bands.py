"""Draw central intervals of forecasts as nested bars, one row a forecast, on one axis."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go

from src.dashboard import theme as colours
from src.modeling.intervals.quantiles import (
    INTERVALS,
    LEVELS,
    REFERENCE_FROM,
    interval_bounds,
    of_sorted,
)

# Height of a bar and how much of its colour shows, by share: the narrower the taller.
_LOOKS = {0.95: (0.26, 0.25), 0.8: (0.42, 0.4), 0.5: (0.56, 0.6)}
ROW_HEIGHT = 84


@dataclass(frozen=True)
class Bands:
    """A forecast as a point and central intervals, all of them prices or all of them returns.

    Attributes:
        point: What is forecast.
        ends: Of each interval, by the share of outcomes that it should contain.
    """

    point: float
    ends: Mapping[float, tuple[float, float]]

    def times(self, close: float) -> Bands:
        """Returns as prices."""
        ends = {share: (close * (1 + a), close * (1 + b)) for share, (a, b) in self.ends.items()}
        return Bands(close * (1 + self.point), ends)


@dataclass(frozen=True)
class Row:
    """A row of the chart: a name, a forecast and its colour, and another point if there is one."""

    name: str
    bands: Bands
    colour: str
    other: tuple[str, float] | None = None


def of_answer(answer: Mapping[str, Any]) -> Bands | None:
    """The forecast in an answer of the API, as returns; None without intervals."""
    ends = {
        each["level"]: (each["low_return"], each["high_return"]) for each in answer["intervals"]
    }
    return Bands(answer["pred_return"], ends) if ends else None


def of_no_change(returns: Sequence[float]) -> Bands | None:
    """No change, as widely spread as past returns were; None for fewer than 100."""
    ordered = np.sort(np.array(returns, dtype=np.float64))[None]
    quantiles = of_sorted(ordered, at_least=REFERENCE_FROM)[0]
    if not np.isfinite(quantiles).all():
        return None
    bounds = {share: interval_bounds(share, LEVELS) for share in INTERVALS}
    return Bands(
        0.0,
        {share: (float(quantiles[a]), float(quantiles[b])) for share, (a, b) in bounds.items()},
    )


def in_common(one: tuple[float, float], other: tuple[float, float]) -> float:
    """The part of what two intervals cover together that lies in both."""
    both = min(one[1], other[1]) - max(one[0], other[0])
    either = max(one[1], other[1]) - min(one[0], other[0])
    return max(both, 0.0) / either if either > 0 else 1.0


def nested(
    rows: Sequence[Row], written: Callable[[float], str], title: str, theme: str
) -> go.Figure:
    """The rows from top to bottom.

    Args:
        rows: At least one.
        written: How a value is written above its point.
        title: Of the axis, with its unit.
        theme: ``light`` or ``dark``.
    """
    figure = go.Figure()
    for at, row in enumerate(reversed(rows)):
        _bars(figure, at, row, written)
        _point(figure, at, row, written, colours.ink(theme))
        _other(figure, at, row, written, colours.ink(theme))
    colours.style(figure, theme, height=ROW_HEIGHT * len(rows) + 56)
    figure.update_layout(barmode="overlay")
    figure.update_xaxes(title_text=title, nticks=6, tickformat=",", zeroline=False)
    figure.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=[escape(row.name).replace("\n", "<br>") for row in reversed(rows)],
        range=[-0.45, len(rows) - 0.35],
        showgrid=False,
        zeroline=False,
    )
    return figure


def _bars(figure: go.Figure, at: int, row: Row, written: Callable[[float], str]) -> None:
    for share, (height, shown) in _LOOKS.items():
        low, high = row.bands.ends[share]
        figure.add_bar(
            orientation="h",
            base=[low],
            x=[high - low],
            y=[at],
            width=height,
            marker={"color": _rgba(row.colour, shown), "line": {"width": 0}},
            hovertemplate=f"{share:.0%}: {written(low)} to {written(high)}<extra></extra>",
        )


def _point(figure: go.Figure, at: int, row: Row, written: Callable[[float], str], ink: str) -> None:
    """The point as a line with its value above it."""
    point = row.bands.point
    figure.add_scatter(
        x=[point, point],
        y=[at - 0.3, at + 0.3],
        mode="lines",
        line={"color": row.colour, "width": 3},
        hoverinfo="skip",
    )
    figure.add_annotation(
        x=point,
        y=at + 0.42,
        text=written(point),
        showarrow=False,
        font={"color": ink},
    )


def _other(figure: go.Figure, at: int, row: Row, written: Callable[[float], str], ink: str) -> None:
    """The other point of a row as an open diamond."""
    if row.other is None:
        return
    name, value = row.other
    figure.add_scatter(
        x=[value],
        y=[at],
        mode="markers",
        marker={"symbol": "diamond-open", "size": 11, "line": {"width": 2}, "color": ink},
        hovertemplate=f"{escape(name)}: {written(value)}<extra></extra>",
    )


def _rgba(colour: str, shown: float) -> str:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{shown})"
