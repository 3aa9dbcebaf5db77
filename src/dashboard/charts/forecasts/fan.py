"""Draw the latest closes and, at the sessions that were forecast, the ranges of the price."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from scipy.optimize import isotonic_regression

from src.core.arrays import Floats
from src.dashboard import theme as colours
from src.dashboard import wording
from src.dashboard.charts import marks as chart_marks
from src.dashboard.charts import sessions
from src.dashboard.charts.forecasts.bands import Bands
from src.dashboard.charts.price_axis import price_axis
from src.db.pages.marks import Mark

HEIGHT, LABELS = 400, 104
# Pixels of a label, and of the plot without the axis below it.
LABEL, PLOT = 15, 330
# How much of the colour each band adds to those outside it.
_SHADES = {0.95: 0.13, 0.9: 0.13, 0.8: 0.17, 0.5: 0.22}
_LABELLED = (0.95, 0.8, 0.5)


@dataclass(frozen=True)
class Target:
    """A forecast of the price so many sessions after the last close."""

    sessions: int
    bands: Bands


@dataclass(frozen=True)
class Prices:
    """Sessions with their closes, and the sessions up to the furthest target."""

    days: Sequence[dt.date]
    closes: Sequence[float]
    ahead: Sequence[dt.date]


def fan(
    prices: Prices,
    targets: Sequence[Target],
    marks: Sequence[Mark],
    *,
    title: str,
    theme: str,
    indian: bool,
) -> go.Figure:
    """Closes, shading that joins the targets, a bar at each, no change, labels at the right.

    Args:
        prices: At least one close; positions on the axis count from its first session.
        targets: The nearest first.
        marks: Of what happened in these sessions.
        title: Of the axis of prices, with its unit.
        theme: ``light`` or ``dark``.
        indian: Whether prices are written with lakh and crore.
    """
    figure = go.Figure()
    start, close = len(prices.days) - 1, prices.closes[-1]
    for share, shown in _SHADES.items():
        _shade(figure, start, close, targets, share, shown)
    _history(figure, prices)
    _no_change(figure, start, close, targets[-1].sessions)
    for target in targets:
        _bar(figure, start + target.sessions, target.bands, colours.paper(theme))
    colours.style(figure, theme, height=HEIGHT)
    low, high = _range(prices, targets)
    _axes(figure, prices, targets, (low, high), indian=indian)
    figure.update_yaxes(title_text=title)
    _labels(figure, targets[-1].bands, close, high - low, indian=indian)
    chart_marks.add_marks(figure, marks, prices.days)
    return figure


def joined(close: float, targets: Sequence[Target], share: float) -> tuple[Floats, Floats, Floats]:
    """Sessions ahead, and both ends of an interval there, joined in the square root of time."""
    ends = np.array([0, *(target.sessions for target in targets)], dtype=np.float64)
    points = np.unique(np.concatenate([ends, np.linspace(0, ends[-1] ** 0.5, 24) ** 2]))
    low, high = (
        np.interp(
            np.sqrt(points),
            np.sqrt(ends),
            [close, *(target.bands.ends[share][side] for target in targets)],
        )
        for side in (0, 1)
    )
    return points, low, high


def spread(values: Sequence[float], gap: float) -> list[float]:
    """Ascending values moved apart by at least ``gap``, as little as possible."""
    steps = gap * np.arange(len(values))
    moved: list[float] = (isotonic_regression(np.asarray(values) - steps).x + steps).tolist()
    return moved


def _shade(
    figure: go.Figure,
    start: int,
    close: float,
    targets: Sequence[Target],
    share: float,
    shown: float,
) -> None:
    points, low, high = joined(close, targets, share)
    figure.add_scatter(
        x=np.round(start + np.concatenate([points, points[::-1]]), 3),
        y=np.round(np.concatenate([low, high[::-1]]), 2),
        fill="toself",
        fillcolor=f"rgba(43,131,198,{shown})",
        mode="lines",
        line={"width": 0},
        hoverinfo="skip",
    )


def _history(figure: go.Figure, prices: Prices) -> None:
    figure.add_scatter(
        x=list(range(len(prices.days))),
        y=np.round(prices.closes, 2),
        mode="lines",
        line={"color": colours.HISTORY, "width": 1.8},
        text=[wording.day(day) for day in prices.days],
        hovertemplate="%{text}: %{y:,.2f}<extra></extra>",
    )


def _no_change(figure: go.Figure, start: int, close: float, ahead: int) -> None:
    figure.add_scatter(
        x=[start, start + ahead],
        y=[close, close],
        mode="lines",
        line={"color": colours.BASELINE, "width": 2, "dash": "dash"},
        hovertemplate="no change: %{y:,.2f}<extra></extra>",
    )
    figure.add_vline(x=start, line={"color": colours.HISTORY, "width": 1.5, "dash": "dot"})
    figure.add_annotation(
        x=start, y=1, yref="paper", text="last close", showarrow=False, xanchor="right", xshift=-4
    )


def _bar(figure: go.Figure, at: int, bands: Bands, inside: str) -> None:
    """A bar of two widths, and the point as a ring: a range first, the point last."""
    for share, width in ((0.95, 2.5), (0.8, 7)):
        figure.add_scatter(
            x=[at, at],
            y=np.round(bands.ends[share], 2),
            mode="lines",
            line={"color": colours.MODEL, "width": width},
            hovertemplate=f"{share:.0%}: %{{y:,.2f}}<extra></extra>",
        )
    figure.add_scatter(
        x=[at],
        y=[round(bands.point, 2)],
        mode="markers",
        marker={
            "symbol": "circle",
            "size": 12,
            "color": inside,
            "line": {"width": 2.5, "color": colours.MODEL},
        },
        hovertemplate="point: %{y:,.2f}<extra></extra>",
        cliponaxis=False,
    )


def _range(prices: Prices, targets: Sequence[Target]) -> tuple[float, float]:
    """What the axis spans: everything that is drawn, with room for marks below."""
    values = [*prices.closes, *(end for t in targets for end in t.bands.ends[0.95])]
    low, high = min(values), max(values)
    room = (high - low) or 1.0
    return low - 0.09 * room, high + 0.05 * room


def _axes(
    figure: go.Figure,
    prices: Prices,
    targets: Sequence[Target],
    ends: tuple[float, float],
    *,
    indian: bool,
) -> None:
    at, labels = sessions.ticks([*prices.days, *prices.ahead], most=5)
    last = len(prices.days) - 1 + targets[-1].sessions
    figure.update_layout(margin={"l": 8, "r": LABELS, "t": 8, "b": 8})
    # With room for the whole width of the last bar.
    figure.update_xaxes(
        tickvals=at, ticktext=labels, range=[0, last + max(0.3, last / 100)], showgrid=False
    )
    figure.update_yaxes(range=list(ends), **price_axis(*ends, indian=indian))


def _labels(figure: go.Figure, bands: Bands, close: float, span: float, *, indian: bool) -> None:
    """Prices with their shares beside the furthest bar, moved apart where they would touch."""
    texts = [(close, "no change")]
    low, high = bands.ends[0.95]
    digits = wording.price_digits(high - low)
    for share in _LABELLED:
        for end in bands.ends[share]:
            written = wording.price(end, indian=indian, digits=digits)
            texts.append((end, f"{written} · {wording.percent(share, 0)}"))
    texts.sort()
    places = spread([value for value, _ in texts], span * LABEL / PLOT)
    for (_, text), y in zip(texts, places, strict=True):
        figure.add_annotation(
            x=1, xref="paper", xanchor="left", xshift=12, y=y, text=text, showarrow=False
        )
