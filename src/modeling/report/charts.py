"""Draw the figures of a run report for plotly's script.

It reads tags in text, so names from elsewhere are escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from src.core.arrays import Days, Floats, Ints
from src.modeling.report.data import PriceFan
from src.modeling.report.figure import Figure, plain
from src.modeling.report.statistics.calibration import TERCILES
from src.modeling.report.statistics.horizon import Skill
from src.modeling.report.statistics.measures import Measure

INK, SOFT, GRID = "#243b53", "#829ab1", "#e4eaf0"
# Colours that a reader with red-green blindness can tell apart (Okabe-Ito), each with a dash.
LINES = {
    "zero": (SOFT, "solid"),
    "mean": ("#e69f00", "dash"),
    "drift": ("#009e73", "solid"),
    "ridge": ("#0072b2", "solid"),
    "rank_tilt": ("#cc79a7", "solid"),
    "elastic_net": ("#56b4e9", "dash"),
    "hist_gradient_boosting": ("#d55e00", "dash"),
    "random_forest": ("#8c564b", "dash"),
    "served": ("#000000", "dot"),
}
OTHERS = (("#7b4173", "dashdot"), ("#637939", "dashdot"), ("#843c39", "dashdot"))
# Words, colour, symbol and the offset from the middle of a candidate's line.
BASELINES = {
    "zero": ("no change", "#0072b2", "circle", -0.15),
    "mean": ("own past mean", "#e69f00", "diamond", 0.15),
    "last 500": ("last 500 outcomes (CRPS)", "#009e73", "square", 0.0),
}
SHARES = {0.5: "#56b4e9", 0.8: "#009e73", 0.9: "#e69f00", 0.95: "#0072b2"}
# Central intervals from the outside in.
BANDS = {0.95: "#dbe9f4", 0.9: "#bcd7ea", 0.8: "#94bfdf", 0.5: "#5f9fcd"}
# Colours of parts of a forecast that raise and that lower it.
RISE, FALL = "#0072b2", "#d55e00"
MOST_FEATURES = 15


def forest(skills: Sequence[Skill]) -> Figure:
    """Gains over each baseline, pooled, with their 90 % intervals."""
    figure = _figure()
    drawn = [skill for skill in skills if skill.gains.pool.low is not None]
    names = list(dict.fromkeys(skill.candidate for skill in drawn))
    for baseline, (words, colour, symbol, offset) in BASELINES.items():
        points = [skill for skill in drawn if skill.baseline == baseline]
        figure.add(
            "scatter",
            x=[100 * (skill.gains.pool.value or 0.0) for skill in points],
            y=[names.index(skill.candidate) + offset for skill in points],
            error_x=_error_bars([skill.gains.pool for skill in points], colour),
            name=f"against {words}",
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 9},
            customdata=[escape(skill.candidate) for skill in points],
            hovertemplate="%{customdata}: %{x:+.2f} %<extra></extra>",
        )
    figure.add_line(x=0, color=INK, width=1)
    figure.update_axis(
        "yaxis",
        tickvals=list(range(len(names))),
        ticktext=[escape(name) for name in names],
        range=[len(names) - 0.5, -0.5],
        showgrid=False,
    )
    figure.update_axis("xaxis", "← worse   gain (%)   better →")
    return figure


def cumulative(days: Days, saved: Mapping[str, Floats]) -> Figure:
    """Loss saved over no change, summed up; rising is better than no change."""
    figure = _figure()
    figure.add_line(y=0, color=SOFT, width=1)
    others = iter(OTHERS * len(saved))
    for name, values in saved.items():
        look = LINES.get(name) or next(others)
        _line(figure, days, 100 * values, escape(name), look, "%{y:+.2f} %")
    figure.update_axis("yaxis", "loss saved, summed (%)")
    return figure


def coverage_over_time(days: Days, rolled: Mapping[float, Floats]) -> Figure:
    """Share of outcomes inside each interval, with the share it promises as a thin line."""
    figure = _figure()
    for share, values in rolled.items():
        figure.add_line(y=100 * share, color=SHARES[share], width=1, dash="dot")
        look = (SHARES[share], "solid")
        _line(figure, days, 100 * values, f"{share:.0%} interval", look, "%{y:.1f} % inside")
    figure.update_axis("yaxis", "outcomes inside (%)", range=[None, 100.5])
    return figure


def coverage_by_tercile(shares: Mapping[float, Sequence[Measure]]) -> Figure:
    """Share of outcomes inside each interval when prices were calm, middling and wild."""
    figure = _figure()
    for number, (share, measures) in enumerate(shares.items()):
        figure.add_line(y=100 * share, color=SHARES[share], width=1, dash="dot")
        known = [(at, m) for at, m in enumerate(measures) if m.value is not None]
        figure.add(
            "scatter",
            x=[at + (number - 1.5) * 0.12 for at, _ in known],
            y=[100 * (measure.value or 0.0) for _, measure in known],
            error_y=_error_bars([measure for _, measure in known], SHARES[share]),
            name=f"{share:.0%} interval",
            mode="markers",
            marker={"color": SHARES[share], "size": 9},
            hovertemplate="%{y:.1f} % inside<extra></extra>",
        )
    figure.update_axis(
        "xaxis",
        tickvals=list(range(len(TERCILES))),
        ticktext=[f"{name} third" for name in TERCILES],
        range=[-0.5, len(TERCILES) - 0.5],
    )
    figure.update_axis("yaxis", "outcomes inside (%)")
    return figure


def pit(counts: Ints, band: tuple[float, float]) -> Figure:
    """Where in their forecast distribution outcomes fell, with the band that chance allows."""
    figure = _figure()
    bins = len(counts)
    low, high = (100 * end for end in band)
    figure.add(
        "bar",
        x=plain((np.arange(bins) + 0.5) / bins * 100),
        y=plain(100 * counts / max(int(counts.sum()), 1)),
        width=92 / bins,
        marker={"color": "#94bfdf"},
        customdata=counts.tolist(),
        hovertemplate="%{y:.2f} % of outcomes (%{customdata:,})<extra></extra>",
        showlegend=False,
    )
    figure.add_band(low, high, fillcolor="#e69f00", opacity=0.25)
    figure.add_line(y=100 / bins, color="#b35900", width=1.5, dash="dash")
    figure.update_axis("xaxis", "place in the forecast range (%)", dtick=10, range=[0, 100])
    tallest = max(high, 100 * int(counts.max(initial=0)) / max(int(counts.sum()), 1))
    figure.update_axis("yaxis", "share of outcomes (%)", range=[0, 1.15 * tallest])
    return figure


def fan(prices: PriceFan) -> Figure:
    """The latest closes, then the central intervals as a fan, the widest first."""
    figure = _figure()
    dates = day_texts(prices.ahead)
    for share, colour in BANDS.items():
        low, high = prices.bands[share]
        figure.add(
            "scatter",
            x=[*dates, *dates[::-1]],
            y=plain(np.round(np.concatenate([low, high[::-1]]), 2)),
            name=f"{share:.0%}",
            fill="toself",
            fillcolor=colour,
            mode="lines",
            line={"width": 0, "color": colour},
            hoverinfo="skip",
        )
    _line(figure, prices.days, prices.closes, "close", (INK, "solid"), "%{y:,.2f}")
    _line(figure, prices.ahead, prices.point, "served", ("#b35900", "dash"), "%{y:,.2f}")
    figure.update_axis("yaxis", "close, adjusted", tickformat=",")
    return figure


def contribution_bars(parts: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """Names and percent of the parts of a forecast, the largest first; the small ones summed up."""
    ranked = sorted(parts, key=lambda part: -abs(part[1]))
    shown, rest = ranked[:MOST_FEATURES], ranked[MOST_FEATURES:]
    bars = [(escape(name), 100 * value) for name, value in shown]
    if rest:
        bars.append((f"{len(rest)} others together", 100 * sum(value for _, value in rest)))
    return bars


def contributions(bars: Sequence[tuple[str, float]]) -> Figure:
    """The bars of ``contribution_bars``, the first on top."""
    figure = _figure()
    figure.add(
        "bar",
        x=[value for _, value in bars],
        y=[name for name, _ in bars],
        orientation="h",
        marker={"color": [RISE if value > 0 else FALL for _, value in bars]},
        hovertemplate="%{y}: %{x:+.3f} %<extra></extra>",
    )
    figure.add_line(x=0, color=INK, width=1)
    figure.update_axis("yaxis", autorange="reversed", showgrid=False, automargin=True)
    figure.update_axis("xaxis", "part of its forecast return (%)")
    return figure


def _line(
    figure: Figure, days: Days, values: Floats, name: str, look: tuple[str, str], hover: str
) -> None:
    """A line over time; ``look`` is its colour and its dash, ``hover`` how a value reads."""
    colour, dash = look
    figure.add(
        "scatter",
        x=day_texts(days),
        y=plain(np.round(values, 4)),
        name=name,
        mode="lines",
        connectgaps=True,
        line={"color": colour, "width": 1.8, "dash": dash},
        hovertemplate=f"%{{x|%Y-%m-%d}}: {hover}",
    )


def _error_bars(measures: Sequence[Measure], colour: str) -> dict[str, Any]:
    """Bars from each value to the ends of its interval, in percent; none where it has none."""
    ends = [(m.low, m.value, m.high) for m in measures]
    return {
        "type": "data",
        "symmetric": False,
        "array": [0.0 if high is None or v is None else 100 * (high - v) for _, v, high in ends],
        "arrayminus": [0.0 if low is None or v is None else 100 * (v - low) for low, v, _ in ends],
        "color": colour,
        "thickness": 1.6,
        "width": 4,
    }


def day_texts(days: Days) -> list[str]:
    """Days as ISO text."""
    return [str(day) for day in days.astype("datetime64[D]")]


def _figure() -> Figure:
    axis = {
        "gridcolor": GRID,
        "zeroline": False,
        "automargin": True,
        "title": {"font": {"size": 13}, "standoff": 8},
    }
    return Figure(
        {
            "margin": {"l": 56, "r": 18, "t": 8, "b": 44},
            "font": {"family": "system-ui, sans-serif", "size": 13, "color": INK},
            "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
            "hoverlabel": {"align": "left"},
            "plot_bgcolor": "#fff",
            "xaxis": axis,
            "yaxis": axis,
        }
    )
