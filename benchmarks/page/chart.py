"""Draw bars and lines on logarithmic scales as small SVG pictures.

Written by hand: plotly's static export needs a browser, and these need no more than rectangles,
lines and texts. White behind them, since a picture in a page knows nothing of its colours.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from textwrap import shorten

from benchmarks.page.result import Curve

WIDTH, LEFT, RIGHT, ROW, TOP = 860, 420, 70, 24, 44
# Characters of a label that fit beside the bars.
LABEL = 66
PLOT_LEFT, PLOT_HEIGHT, BOTTOM = 70, 300, 50
GOOD, BAD, GREY, TEXT = "#2f6f8f", "#b5533c", "#9aa3a8", "#22292d"
COLOURS = ("#2f6f8f", "#b5533c", "#5b8c3e", "#8a5a9e", "#9a7b1f")


def bars(title: str, rows: Sequence[tuple[str, float]], mark: float, *, low_is_good: bool) -> str:
    """Horizontal bars from ``mark`` on a logarithmic scale, each with its value."""
    values = [value for _, value in rows]
    first, last = _decades([*values, mark])
    scale = (WIDTH - LEFT - RIGHT) / (last - first)
    height = TOP + ROW * len(rows) + 14

    def x(value: float) -> float:
        return LEFT + (math.log10(value) - first) * scale

    parts = [_text(16, 24, title, size=15, weight=600)]
    for number, (label, value) in enumerate(rows):
        y, start, end = TOP + ROW * number, *sorted((x(mark), x(value)))
        is_good = value <= mark if low_is_good else value >= mark
        colour = GOOD if is_good else BAD
        parts += [
            _text(LEFT - 10, y + 15, shorten(label, LABEL, placeholder=" …"), anchor="end"),
            f'<rect x="{start:.1f}" y="{y + 3}" width="{max(end - start, 1):.1f}" height="16" '
            f'fill="{colour}"/>',
            _text(end + 6, y + 15, rounded(value)),
        ]
    parts.append(_line(x(mark), TOP - 6, x(mark), height - 10, TEXT))
    return _picture(height, title, parts)


def lines(title: str, curves: Sequence[Curve]) -> str:
    """Curves on two logarithmic scales, with a point for each measurement."""
    left, right = _span(value for curve in curves for value in curve.x)
    low, high = _decades([value for curve in curves for value in curve.y])
    height = TOP + PLOT_HEIGHT + BOTTOM + 20 * len(curves)
    width, base = WIDTH - PLOT_LEFT - RIGHT, TOP + PLOT_HEIGHT

    def x(value: float) -> float:
        return PLOT_LEFT + (math.log10(value) - left) / (right - left) * width

    def y(value: float) -> float:
        return base - (math.log10(value) - low) / (high - low) * PLOT_HEIGHT

    parts = [_text(16, 24, title, size=15, weight=600)]
    for power in range(low, high + 1):
        at = y(10.0**power)
        parts += [_line(PLOT_LEFT, at, PLOT_LEFT + width, at, "#e2e6e8")]
        parts += [_text(PLOT_LEFT - 8, at + 4, rounded(10.0**power), anchor="end")]
    for value in sorted({value for curve in curves for value in curve.x}):
        parts += [_text(x(value), base + 18, f"{value:g}", anchor="middle")]
    parts.append(_text(PLOT_LEFT + width / 2, base + 38, curves[0].x_unit, anchor="middle"))
    parts.append(_text(PLOT_LEFT, TOP - 6, curves[0].y_unit))
    for number, curve in enumerate(curves):
        colour = COLOURS[number % len(COLOURS)]
        points = [(x(a), y(b)) for a, b in zip(curve.x, curve.y, strict=True)]
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3.5" fill="{colour}"/>' for a, b in points]
        legend = base + 60 + 20 * number
        parts.append(
            f'<rect x="{PLOT_LEFT}" y="{legend - 10}" width="14" height="4" fill="{colour}"/>'
        )
        parts.append(_text(PLOT_LEFT + 22, legend - 4, curve.name))
    return _picture(height, title, parts)


def rounded(value: float) -> str:
    """Two or three digits that count."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2g}" if value < 1 else f"{value:.3g}"


def _decades(values: Sequence[float]) -> tuple[int, int]:
    first, last = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return first, max(last, first + 1)


def _span(values: Iterable[float]) -> tuple[float, float]:
    logs = [math.log10(value) for value in values]
    return min(logs), max(*logs, min(logs) + 0.1)


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", size: int = 12, weight: int = 400
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
        f'font-weight="{weight}" fill="{TEXT}">{escape(text)}</text>'
    )


def _picture(height: int, title: str, parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" font-family="sans-serif" role="img">'
        f"<title>{escape(title)}</title>"
    )
    return "\n".join([head, '<rect width="100%" height="100%" fill="#fff"/>', *parts, "</svg>\n"])
