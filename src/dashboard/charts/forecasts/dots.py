"""Draw a forecast as twenty equally likely outcomes, each a dot that can be counted."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from src.dashboard import theme as colours

DOTS, COLUMNS = 20, 11
DOT, ROW_HEIGHT = 15, 24


@dataclass(frozen=True)
class Dots:
    """Outcomes in columns; those below the last close and the others are never in one column.

    Attributes:
        at: Middle of the column of each, ascending.
        row: Place in its column, from 1.
        below: How many are below the last close.
    """

    at: list[float]
    row: list[int]
    below: int


def equally_likely(levels: Sequence[float], quantiles: Sequence[float]) -> list[float]:
    """Twenty returns of equal probability, between quantiles at ascending levels."""
    middles = (np.arange(DOTS) + 0.5) / DOTS
    values: list[float] = np.interp(middles, levels, quantiles).tolist()
    return values


def stack(prices: Sequence[float], close: float) -> Dots:
    """Prices in some eleven columns, one of which begins at the last close."""
    width = (max(prices) - min(prices)) / COLUMNS or 1.0
    columns = [math.floor((price - close) / width) for price in prices]
    seen: Counter[int] = Counter()
    rows = []
    for column in columns:
        seen[column] += 1
        rows.append(seen[column])
    at = [close + (column + 0.5) * width for column in columns]
    return Dots(at, rows, sum(column < 0 for column in columns))


def quantile_dots(dots: Dots, close: float, title: str, theme: str) -> go.Figure:
    """Hollow dots below the last close, filled ones above it, with their counts.

    Args:
        dots: Of prices.
        close: The last one.
        title: Of the axis, with its unit.
        theme: ``light`` or ``dark``.
    """
    figure = go.Figure()
    tallest = max(dots.row)
    _add(figure, dots, slice(0, dots.below), "circle-open")
    _add(figure, dots, slice(dots.below, None), "circle")
    colours.style(figure, theme, height=ROW_HEIGHT * (tallest + 1) + 70)
    figure.add_vline(x=close, line={"color": colours.HISTORY, "width": 1.5, "dash": "dash"})
    total = len(dots.at)
    for text, anchor, shift in (
        (f"{dots.below} of {total} below", "right", -6),
        (f"{total - dots.below} of {total} above", "left", 6),
    ):
        label = {"text": text, "xanchor": anchor, "xshift": shift, "showarrow": False}
        figure.add_annotation(x=close, y=tallest + 1.1, font={"color": colours.ink(theme)}, **label)
    figure.update_xaxes(title_text=title, nticks=6, tickformat=",", showgrid=False, zeroline=False)
    figure.update_yaxes(visible=False, range=[0.3, tallest + 1.6])
    return figure


def _add(figure: go.Figure, dots: Dots, part: slice, symbol: str) -> None:
    figure.add_scatter(
        x=dots.at[part],
        y=dots.row[part],
        mode="markers",
        marker={
            "symbol": symbol,
            "size": DOT,
            "color": colours.MODEL,
            "line": {"width": 2, "color": colours.MODEL},
        },
        hoverinfo="skip",
        cliponaxis=False,
    )
